package main

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// serveMounts makes detached mounts for a supervisor that may not mount anything itself. A request
// has the mount's attributes (8 bytes) and a path. The answer is an errno and, if that is 0, the
// mount's descriptor. Only this user's own process has the socket. open_tree(2), mount_setattr(2)
func serveMounts() error {
	request := make([]byte, 8+initproto.MaxPath)
	for {
		n, _, flags, _, err := unix.Recvmsg(controlFD, request, nil, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return nil // the supervisor has ended, or needs nothing more
		}
		fd, err := -1, error(unix.EINVAL)
		if n > 8 && flags&unix.MSG_TRUNC == 0 {
			fd, err = detached(string(request[8:n]), *(*uint64)(unsafe.Pointer(&request[0])))
		}
		var errno syscall.Errno
		var rights []byte
		if errors.As(err, &errno); err == nil {
			rights = unix.UnixRights(fd)
		}
		code := int32(errno)
		err = unix.Sendmsg(controlFD, unsafe.Slice((*byte)(unsafe.Pointer(&code)), 4), rights, nil,
			unix.MSG_NOSIGNAL)
		if fd >= 0 {
			unix.Close(fd)
		}
		if err != nil {
			return nil
		}
	}
}

func detached(path string, attributes uint64) (int, error) {
	const recursive = unix.AT_RECURSIVE
	fd, err := unix.OpenTree(unix.AT_FDCWD, path,
		recursive|unix.AT_SYMLINK_NOFOLLOW|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Attr_set: attributes, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(fd, "", recursive|unix.AT_EMPTY_PATH, &attr); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
