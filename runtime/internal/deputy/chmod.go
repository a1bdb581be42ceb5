package deputy

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/seccomp"
)

const setID = unix.S_ISUID | unix.S_ISGID

// Chmod sets the mode of a folder that the tool owns, including the set-group-ID bit: new files in
// such a folder get the folder's group, which gives nobody additional rights. On a file, this bit
// would make a program run with the workspace's group on the host, so it stays refused. allows says
// whether the policy would allow the call without these bits.
//
// A tool with a subordinate id of the user owns no file of the host: it has only the sandbox's own
// storage, which is mounted nosuid. This process may not change files there, so the kernel
// continues the call. The tool may exchange the folder for a file in time, which gains nothing.
func Chmod(
	c *seccomp.Call,
	allows func(*seccomp.Call) bool,
	tool Tool,
) (a seccomp.Answer, ok bool) {
	if c.ArchName != "" {
		return a, false
	}
	fd, mode, at, err := chmodTarget(c)
	plain := *c
	plain.Raw[at] &^= setID
	if euid := os.Geteuid(); euid != 0 && euid != tool.UID && err == unix.EACCES &&
		mode&setID == unix.S_ISGID && allows(&plain) {
		return seccomp.Answer{Continue: true}, true // in a folder that is closed to this process
	}
	if err != nil {
		return a, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if !c.Waiting() || mode&setID == 0 || !allows(&plain) || unix.Fstat(fd, &st) != nil ||
		st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return a, false
	}
	if int(st.Uid) != tool.UID {
		return seccomp.Answer{Errno: unix.EPERM}, true // as the kernel would answer: not the owner
	}
	if euid := os.Geteuid(); euid != 0 && euid != tool.UID {
		return seccomp.Answer{Continue: true}, true
	}
	if int(st.Gid) != tool.GID {
		mode &^= unix.S_ISGID // as the kernel does if the caller is not in the group: chmod(2)
	}
	err = unix.Chmod(self(fd), mode&0o7777)
	if e, _ := err.(syscall.Errno); e != 0 {
		return seccomp.Answer{Errno: e}, true
	}
	return seccomp.Answer{Done: true}, true
}

// chmodTarget pins the file of a call of the chmod family. at is the index of the mode.
func chmodTarget(c *seccomp.Call) (fd int, mode uint32, at int, err error) {
	flags := 0
	dirfd := unix.AT_FDCWD
	switch c.Name {
	case "chmod":
		at = 1
	case "fchmod":
		fd, err = pinFD(c.PID, arg32(c, 0))
		return fd, uint32(c.Raw[1]), 1, err
	case "fchmodat", "fchmodat2":
		at, dirfd = 2, arg32(c, 0)
		if c.Name == "fchmodat2" {
			flags = arg32(c, 3)
		}
	default:
		return -1, 0, 0, unix.ENOSYS
	}
	if c.Path == nil {
		return -1, 0, 0, unix.EFAULT
	}
	if *c.Path == "" && flags&unix.AT_EMPTY_PATH != 0 && dirfd != unix.AT_FDCWD {
		fd, err = pinFD(c.PID, dirfd)
		return fd, uint32(c.Raw[at]), at, err
	}
	follow := uint64(0)
	if flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		follow = unix.O_NOFOLLOW
	}
	if *c.Path == "" {
		return -1, 0, 0, unix.ENOENT
	}
	fd, err = resolve(c.PID, dirfd, *c.Path, follow)
	return fd, uint32(c.Raw[at]), at, err
}
