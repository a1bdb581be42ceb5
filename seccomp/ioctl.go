package seccomp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The listener uses these ioctls (linux/seccomp.h) directly, because libseccomp would allocate
// memory and call C for every message.
const (
	ioctlReceive  = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	ioctlSend     = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	ioctlIDValid  = 0x40082102 // SECCOMP_IOCTL_NOTIF_ID_VALID
	ioctlAddFD    = 0x40182103 // SECCOMP_IOCTL_NOTIF_ADDFD, Linux 5.9
	ioctlSetFlags = 0x40082104 // SECCOMP_IOCTL_NOTIF_SET_FLAGS, Linux 6.6

	syncWakeUp   = 1 // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
	flagContinue = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE
	flagSend     = 2 // SECCOMP_ADDFD_FLAG_SEND, Linux 5.14
)

// notification is struct seccomp_notif.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// response is struct seccomp_notif_resp; err is a negative errno.
type response struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// gift is struct seccomp_notif_addfd.
type gift struct {
	id             uint64
	flags          uint32
	source, target uint32
	newFlags       uint32
}

func ioctl(fd int, request uintptr, p unsafe.Pointer) syscall.Errno {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(p))
		if errno != unix.EINTR {
			return errno
		}
	}
}

func receive(fd int, n *notification) syscall.Errno {
	*n = notification{} // the kernel requires zeroes
	return ioctl(fd, ioctlReceive, unsafe.Pointer(n))
}

func send(fd int, r *response) syscall.Errno { return ioctl(fd, ioctlSend, unsafe.Pointer(r)) }

// give adds a descriptor of the answer's file to the program, and makes it the result of the call.
func (l *Listener) give(id uint64, a Answer) syscall.Errno {
	g := gift{id: id, flags: flagSend, source: uint32(a.File.Fd())}
	if a.CloseOnExec {
		g.newFlags = unix.O_CLOEXEC
	}
	errno := ioctl(l.fd, ioctlAddFD, unsafe.Pointer(&g))
	if errno != unix.EINVAL {
		return errno
	}
	g.flags = 0 // an older kernel needs two steps
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), ioctlAddFD,
		uintptr(unsafe.Pointer(&g)))
	if errno != 0 {
		return errno
	}
	return send(l.fd, &response{id: id, val: int64(fd)})
}

func idValid(fd int, id uint64) bool { return ioctl(fd, ioctlIDValid, unsafe.Pointer(&id)) == 0 }

// setSyncWakeUp requests wake-ups on the waker's CPU. An older kernel refuses; then answers take
// longer.
func setSyncWakeUp(fd int) {
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlSetFlags, syncWakeUp)
}
