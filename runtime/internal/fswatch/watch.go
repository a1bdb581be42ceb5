package fswatch

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
)

// maxFolders bounds the watches of one sandbox. The kernel's own bound is per user:
// fs.inotify.max_user_watches.
const maxFolders = 4096

// Folder is a folder of the host, and where the sandbox sees it.
type Folder struct{ Source, Target string }

// Watcher watches until Stop.
type Watcher struct {
	fd       *os.File
	number   int // of fd; File.Fd would make it block
	changed  func(monitor.File)
	blind    func(reason string)
	folders  map[int32]Folder // by watch descriptor
	reported bool             // that some changes are not seen
	stopped  chan struct{}
}

// Watch starts to watch. changed and blind are called from one goroutine. Missing folders are left
// out.
func Watch(folders []Folder, changed func(monitor.File), blind func(string)) (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	w := &Watcher{fd: os.NewFile(uintptr(fd), "inotify"), number: fd, changed: changed,
		blind: blind, folders: map[int32]Folder{}, stopped: make(chan struct{})}
	for _, f := range folders {
		w.add(f, nil)
	}
	go w.loop()
	return w, nil
}

// Stop reads the events so far, and ends the watch.
func (w *Watcher) Stop() {
	if w == nil {
		return
	}
	// What was written before the program's end is in the queue by now.
	_ = w.fd.SetReadDeadline(time.Unix(1, 0))
	<-w.stopped
	w.fd.Close()
}

const interesting = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_CLOSE_WRITE | unix.IN_ATTRIB | unix.IN_ONLYDIR | unix.IN_DONT_FOLLOW |
	unix.IN_EXCL_UNLINK

// add watches a folder and its subfolders. found, if not nil, is called for the files in them.
func (w *Watcher) add(top Folder, found func(path string)) {
	_ = filepath.WalkDir(top.Source, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it does not exist, or can't be read
		}
		below := strings.TrimPrefix(path, top.Source)
		if found != nil && path != top.Source {
			found(top.Target + below)
		}
		if !d.IsDir() {
			return nil
		}
		if len(w.folders) >= maxFolders {
			w.lost(fmt.Sprintf("only the first %d folders are watched", maxFolders))
			return fs.SkipAll
		}
		wd, err := unix.InotifyAddWatch(w.number, path, interesting)
		if err == unix.ENOSPC {
			w.lost("no inotify watches are left (fs.inotify.max_user_watches)")
			return fs.SkipAll
		}
		if err == nil {
			w.folders[int32(wd)] = Folder{path, top.Target + below}
		}
		return nil
	})
}

// lost reports only once that some changes are not seen.
func (w *Watcher) lost(reason string) {
	if !w.reported {
		w.reported = true
		w.blind(reason)
	}
}

func (w *Watcher) loop() {
	defer close(w.stopped)
	buf := make([]byte, 64<<10)
	for {
		n, err := w.fd.Read(buf)
		if err != nil { // the deadline: read once more what there is
			for range maxFolders {
				if n, err = unix.Read(w.number, buf); err != nil || n <= 0 {
					return
				}
				w.take(buf[:n])
			}
			return
		}
		w.take(buf[:n])
	}
}

// take reads events. inotify(7)
func (w *Watcher) take(data []byte) {
	for len(data) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(data))
		mask := binary.NativeEndian.Uint32(data[4:])
		length := int(binary.NativeEndian.Uint32(data[12:]))
		name := strings.TrimRight(string(data[unix.SizeofInotifyEvent:][:length]), "\x00")
		data = data[unix.SizeofInotifyEvent+length:]
		switch folder, known := w.folders[wd]; {
		case mask&unix.IN_Q_OVERFLOW != 0:
			w.reported = false
			w.lost("there were more changes at once than the kernel's queue holds")
		case mask&unix.IN_IGNORED != 0:
			delete(w.folders, wd)
		case known && name != "":
			w.event(folder, name, mask)
		}
	}
}

func (w *Watcher) event(in Folder, name string, mask uint32) {
	at := Folder{filepath.Join(in.Source, name), in.Target + "/" + name}
	f := monitor.File{Path: at.Target, Op: "changed"}
	switch {
	case mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0:
		f.Op = "made"
	case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
		f.Op = "removed"
	}
	f.Kind = kind(at)
	w.changed(f)
	if f.Op == "made" && mask&unix.IN_ISDIR != 0 {
		w.add(at, func(path string) {
			source := at.Source + strings.TrimPrefix(path, at.Target)
			w.changed(monitor.File{Path: path, Op: "made", Kind: kind(Folder{source, path})})
		})
	}
}
