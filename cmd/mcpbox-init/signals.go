package main

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childEnds delivers SIGCHLD. All other signals get their default action, which the kernel does not
// perform on PID 1, so a tool can't end PID 1 with kill(1, …). Otherwise the Go runtime's handlers
// for every signal would end the process. os/signal would need two context switches for each
// signal, a millisecond for all of them. A fault of mcpbox-init itself still ends it. SIGURG keeps
// its handler, because the Go runtime preempts goroutines with it. So does signal 33, with which
// the Go runtime makes a system call on every thread (network.go); from any other sender it has no
// effect. pid_namespaces(7)
func childEnds() <-chan os.Signal {
	const everyThread = syscall.Signal(33)
	ends := make(chan os.Signal, 1) // one signal is enough to check all children
	signal.Notify(ends, unix.SIGCHLD)
	var byDefault [4]uint64 // struct sigaction of the kernel: SIG_DFL, no flags, an empty mask
	for s := syscall.Signal(1); s <= 64; s++ {
		if s != unix.SIGCHLD && s != unix.SIGURG && s != everyThread {
			// The kernel refuses this for SIGKILL and SIGSTOP, which have no handler anyway.
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s),
				uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
		}
	}
	return ends
}
