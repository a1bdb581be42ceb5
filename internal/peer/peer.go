// Package peer says which user is at the other end of a Unix socket, and whether the process is in
// a sandbox.
//
//	p, err := peer.Of(fd)
//	if err != nil || p.UID != os.Geteuid() || p.Elsewhere { … } // refuse
//
// If an ordinary user binds a folder, the tool has this user's id. If the folder contains a socket
// of mcpbox's own, a check of the id is not enough: the tool could start programs outside of its
// sandbox. But the tool is in another user namespace.
//
// It does not distinguish processes of one user on the host.
//
// Linux ≥ 6.5 (SO_PEERPIDFD). On older kernels, the process's number may have been used again
// between its connect(2) and Of. unix(7), user_namespaces(7)
package peer

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process is the one that has connected.
type Process struct {
	UID       int
	PID       int
	Elsewhere bool // in another user namespace than this process, or that can't be found out
}

const soPeerPIDFD = 77 // SO_PEERPIDFD

// Of asks the kernel about the other end of a connected Unix socket.
func Of(fd int) (Process, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Process{}, os.NewSyscallError("getsockopt(SO_PEERCRED)", err)
	}
	return Process{UID: int(cred.Uid), PID: int(cred.Pid),
		Elsewhere: !sameNamespace(fd, int(cred.Pid))}, nil
}

func sameNamespace(fd, pid int) bool {
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, soPeerPIDFD)
	if err == unix.ENOPROTOOPT {
		pidfd, err = unix.PidfdOpen(pid, 0)
	}
	if err != nil {
		return false
	}
	defer unix.Close(pidfd)
	its, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/user")
	if err != nil {
		return false
	}
	own, err := os.Readlink("/proc/self/ns/user")
	// Its number is still its own: it has not ended.
	return err == nil && its == own && !ended(pidfd)
}

// ended reports whether the process of a pidfd has ended. pidfd_open(2)
func ended(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err != nil || n != 0
}
