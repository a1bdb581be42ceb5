package stdio

import (
	"os"

	"golang.org/x/sys/unix"
)

// shared is the former state of a descriptor that the program got from the caller. Both share one
// open file, so a change by one affects the other.
type shared struct {
	f         *os.File
	flags     int
	terminal  *unix.Termios // nil: it is none
	exclusive bool
}

// settable are the flags that F_SETFL changes. fcntl(2)
const settable = unix.O_APPEND | unix.O_ASYNC | unix.O_DIRECT | unix.O_NOATIME | unix.O_NONBLOCK

// remember records the state of the caller's file. It does not use File.Fd, because that changes
// the state.
func (s *Streams) remember(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	was := shared{f: f, flags: -1}
	_ = conn.Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err == nil {
			was.flags = flags
		}
		if t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			was.terminal = t
			n, _ := unix.IoctlGetInt(int(fd), unix.TIOCGEXCL)
			was.exclusive = n != 0
		}
	})
	if was.flags >= 0 {
		s.before = append(s.before, was)
	}
}

// restore undoes the program's changes.
func (s *Streams) restore() {
	for _, was := range s.before {
		conn, err := was.f.SyscallConn()
		if err == nil {
			_ = conn.Control(func(fd uintptr) { was.restore(int(fd)) })
		}
	}
	s.before = nil
}

func (was *shared) restore(fd int) {
	now, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil && (now^was.flags)&settable != 0 {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, was.flags)
	}
	if was.terminal == nil {
		return
	}
	if n, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL); err == nil && (n != 0) != was.exclusive {
		request := uint(unix.TIOCNXCL)
		if was.exclusive {
			request = unix.TIOCEXCL
		}
		_ = unix.IoctlSetInt(fd, request, 0)
	}
	// In the background: another program uses the terminal now, and its settings must stay.
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err == nil && group != unix.Getpgrp() {
		return
	}
	_ = unix.IoctlSetInt(fd, unix.TCXONC, unix.TCOON)
	if t, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil && *t != *was.terminal {
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, was.terminal)
	}
}
