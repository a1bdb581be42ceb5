// Package uncovered detects that the host has removed a mount of a sandbox without intent. If a
// file or folder is replaced, moved or removed in one mount namespace, as editors, git and package
// managers do, the kernel detaches mounts over it in all others. Then a mask (filesystem.hidden) is
// lost, and the tool sees the new file.
//
//	w := uncovered.Watch(uncovered.Config{PID: pid, Masks: plan.Masks, Mounts: plan.Nested(),
//		Lost: lost})
//	defer w.Stop()
//
// inotify on the host's folders triggers a check. The check looks at what the process sees below
// /proc/PID/root. A check each second finds what inotify misses. Between the host's change and the
// check, the tool can open the new file.
//
// inotify(7). Linux ≥ 3.19 detaches mounts; older kernels refuse the change.
package uncovered

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/rootfs"
)

// Config says what to watch.
type Config struct {
	PID    int // a process that sees the mounts
	Masks  []rootfs.Mask
	Mounts []rootfs.Mount // of the caller's, inside other mounts of the caller's
	// Lost is called from one goroutine, with the masks and mounts that are lost at this moment.
	Lost func(masks []rootfs.Mask, mounts []rootfs.Mount)
}

// Watcher watches until Stop.
type Watcher struct {
	cfg     Config
	fd      int
	stop    [2]int // a pipe
	stopped chan struct{}
}

// interval is the time between two checks without a trigger.
const interval = time.Second

// Watch starts to watch. It returns nil if there is nothing to watch; Stop accepts nil.
func Watch(cfg Config) (*Watcher, error) {
	if len(cfg.Masks) == 0 && len(cfg.Mounts) == 0 {
		return nil, nil
	}
	w := &Watcher{cfg: cfg, stopped: make(chan struct{})}
	var err error
	if w.fd, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		w.fd = -1 // no inotify instance is left: only the regular checks remain
	}
	if err := unix.Pipe2(w.stop[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	w.renew()
	go w.loop()
	return w, nil
}

// Stop ends the watch. No call of Lost follows.
func (w *Watcher) Stop() {
	if w == nil {
		return
	}
	unix.Close(w.stop[1])
	<-w.stopped
	unix.Close(w.stop[0])
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
}

func (w *Watcher) loop() {
	defer close(w.stopped)
	buf := make([]byte, 64<<10)
	for {
		fds := []unix.PollFd{{Fd: int32(w.stop[0]), Events: unix.POLLIN},
			{Fd: int32(w.fd), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, int(interval.Milliseconds()))
		if err != nil && err != unix.EINTR || fds[0].Revents != 0 {
			return
		}
		triggered := fds[1].Revents&unix.POLLIN != 0
		if triggered {
			n, _ := unix.Read(w.fd, buf)
			triggered = w.concerns(buf[:max(n, 0)])
		}
		if triggered || fds[1].Revents == 0 {
			w.look()
		}
		if triggered {
			w.renew() // the folders may have been replaced
		}
	}
}

// renew watches the folders of the host in the path of each mount point. Existing watches stay.
func (w *Watcher) renew() {
	if w.fd < 0 {
		return
	}
	const changes = unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_CREATE |
		unix.IN_DELETE | unix.IN_DELETE_SELF |
		unix.IN_MOVE_SELF | unix.IN_ONLYDIR
	for _, p := range w.points() {
		for dir := filepath.Dir(p.path); strings.HasPrefix(dir, p.top); dir = filepath.Dir(dir) {
			_, _ = unix.InotifyAddWatch(w.fd, dir, changes) // a missing folder needs no watch
			if dir == p.top || dir == "/" {
				break
			}
		}
	}
}

// point is a mount point on the host, and the folder that is bound there.
type point struct{ path, top string }

func (w *Watcher) points() (out []point) {
	for _, m := range w.cfg.Masks {
		out = append(out, point{m.Host, m.Top})
	}
	for _, m := range w.cfg.Mounts {
		out = append(out, point{m.Over, m.OverTop})
	}
	return out
}

// concerns reports whether one of the events is about a name in the path of a mount point.
func (w *Watcher) concerns(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(events[4:])
		length := int(binary.NativeEndian.Uint32(events[12:]))
		if len(events) < unix.SizeofInotifyEvent+length {
			return true
		}
		name := strings.TrimRight(
			string(events[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+length]), "\x00")
		if name == "" || mask&unix.IN_Q_OVERFLOW != 0 {
			return true
		}
		for _, p := range w.points() {
			if strings.HasSuffix(p.path, "/"+name) || strings.Contains(p.path, "/"+name+"/") {
				return true
			}
		}
		events = events[unix.SizeofInotifyEvent+length:]
	}
	return false
}

// look checks what the process sees, and reports lost masks and mounts.
func (w *Watcher) look() {
	masks, mounts := Uncovered(w.cfg)
	if len(masks) > 0 || len(mounts) > 0 {
		w.cfg.Lost(masks, mounts)
	}
}

// Uncovered returns the masks and mounts in place of which the process sees another file. A missing
// file is not uncovered.
func Uncovered(cfg Config) (masks []rootfs.Mask, mounts []rootfs.Mount) {
	root := "/proc/" + strconv.Itoa(cfg.PID) + "/root"
	if _, err := os.Lstat(root + "/proc"); err != nil {
		return nil, nil // the process has ended
	}
	for _, m := range cfg.Masks {
		if !covered(root+m.Path, m.Folder) {
			masks = append(masks, m)
		}
	}
	for _, m := range cfg.Mounts {
		var st unix.Stat_t
		if err := unix.Lstat(root+m.Target, &st); err == nil && (st.Dev != m.Dev ||
			st.Ino != m.Ino) || err == unix.ENOENT {
			mounts = append(mounts, m)
		}
	}
	return masks, mounts
}

func covered(path string, folder bool) bool {
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); {
	case err != nil:
		return true // nothing to see
	case st.Mode&unix.S_IFMT == unix.S_IFCHR:
		return st.Rdev == unix.Mkdev(1, 3)
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return false
	}
	var fs unix.Statfs_t
	err := unix.Statfs(path, &fs)
	return err == nil && fs.Type == unix.TMPFS_MAGIC && fs.Flags&unix.ST_RDONLY != 0 &&
		fs.Files <= 2
}
