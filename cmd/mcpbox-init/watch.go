package main

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// watch adds an inotify watch for the tool, with the tool's rights to files. The supervisor asks
// for it if it is an ordinary user that may not enter the tool's folders, which belong to a
// subordinate id.
func (in *initProcess) watch(number int, body []byte, fds []int) {
	var b initproto.WatchBody
	if initproto.Decode(body, &b) != nil || len(fds) != 2 {
		in.fail(number, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	wd := 0
	err := asTool(func() (err error) {
		fd, err := unix.Openat2(fds[0], b.Path, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_CLOEXEC | b.Flags&unix.O_NOFOLLOW,
			Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := ownFile(fd); err != nil {
			return err
		}
		wd, err = unix.InotifyAddWatch(fds[1], "/proc/self/fd/"+strconv.Itoa(fd), b.Mask)
		return err
	})
	if err != nil {
		in.fail(number, fault(initproto.StepSetup, 0, err))
		return
	}
	_ = in.conn.Send(initproto.Message{Kind: initproto.Watched, Process: number, Watch: wd}, nil)
}

// ownFile returns EPERM for a file that the tool may not watch: what happens to a file that it can
// only read, or to a device node, is the host's business.
func ownFile(fd int) error {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	if fs.Flags&unix.ST_RDONLY != 0 || kind == unix.S_IFCHR || kind == unix.S_IFBLK {
		return unix.EPERM
	}
	return nil
}
