package main

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// openTTY makes a pty in the sandbox's own devpts, so that the tool's ttyname(3) works and no
// terminal of the host is reachable.
func openTTY(rows, cols uint16) (master, slave int, err error) {
	dev := initproto.Root + "/dev/pts/"
	if master, err = unix.Open(dev+"ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC,
		0); err != nil {
		return -1, -1, err
	}
	if err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err == nil {
		var n int
		if n, err = unix.IoctlGetInt(master, unix.TIOCGPTN); err == nil {
			path := dev + strconv.Itoa(n)
			if rows > 0 {
				_ = unix.IoctlSetWinsize(master, unix.TIOCSWINSZ,
					&unix.Winsize{Row: rows, Col: cols})
			}
			_ = unix.Chown(path, toolOuterID(), toolOuterID())
			if slave, err = unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC,
				0); err == nil {
				return master, slave, nil
			}
		}
	}
	unix.Close(master)
	return -1, -1, err
}
