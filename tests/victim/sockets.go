package main

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// sockets tries one socket of each important family and prints a line for each.
func sockets() {
	for _, s := range []struct {
		name           string
		family, typ, p int
	}{
		{"AF_UNIX", unix.AF_UNIX, unix.SOCK_STREAM, 0},
		{"AF_INET", unix.AF_INET, unix.SOCK_STREAM, 0},
		{"AF_INET6", unix.AF_INET6, unix.SOCK_STREAM, 0},
		{"AF_INET/RAW", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
		{"AF_NETLINK", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE},
		{"AF_PACKET", unix.AF_PACKET, unix.SOCK_RAW, 0},
		{"AF_ALG", unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		{"AF_VSOCK", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
	} {
		fd, err := unix.Socket(s.family, s.typ, s.p)
		var errno syscall.Errno
		switch {
		case err == nil:
			_ = unix.Close(fd)
			fmt.Println(s.name + " open")
		case errors.As(err, &errno):
			fmt.Println(s.name + " " + unix.ErrnoName(errno))
		}
	}
}
