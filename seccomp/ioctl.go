package seccomp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The listener speaks to the kernel by these ioctls (linux/seccomp.h) rather than
// through libseccomp, which allocates and crosses into C at every message.
const (
	ioctlReceive  = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	ioctlSend     = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	ioctlIDValid  = 0x40082102 // SECCOMP_IOCTL_NOTIF_ID_VALID
	ioctlSetFlags = 0x40082104 // SECCOMP_IOCTL_NOTIF_SET_FLAGS, Linux 6.6

	syncWakeUp   = 1 // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
	flagContinue = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE
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

func ioctl(fd int, request uintptr, p unsafe.Pointer) syscall.Errno {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(p))
		if errno != unix.EINTR {
			return errno
		}
	}
}

func receive(fd int, n *notification) syscall.Errno {
	*n = notification{} // the kernel insists on zeroes
	return ioctl(fd, ioctlReceive, unsafe.Pointer(n))
}

func send(fd int, r *response) syscall.Errno { return ioctl(fd, ioctlSend, unsafe.Pointer(r)) }

func idValid(fd int, id uint64) bool { return ioctl(fd, ioctlIDValid, unsafe.Pointer(&id)) == 0 }

// setSyncWakeUp asks for wake-ups on the waker's CPU; older kernels refuse, which costs only time.
func setSyncWakeUp(fd int) {
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlSetFlags, syncWakeUp)
}
