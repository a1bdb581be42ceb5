package main

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childEnds delivers SIGCHLD; all other signals get their default action, which the kernel does not carry out on a
// PID 1: no tool ends its sandbox's bookkeeping by kill(1, …). Left alone, the handlers that the Go runtime installs for
// every signal would end the process; and os/signal takes two context switches a signal, a millisecond for all of them.
// A fault of our own still ends us. SIGURG stays: the runtime preempts goroutines with it. So does 33, by which it makes
// a system call on every thread (network.go); sent by anybody else, it does nothing. pid_namespaces(7)
func childEnds() <-chan os.Signal {
	const everyThread = syscall.Signal(33)
	ends := make(chan os.Signal, 1) // one is enough to look at all children
	signal.Notify(ends, unix.SIGCHLD)
	var byDefault [4]uint64 // struct sigaction of the kernel: SIG_DFL, no flags, an empty mask
	for s := syscall.Signal(1); s <= 64; s++ {
		if s != unix.SIGCHLD && s != unix.SIGURG && s != everyThread {
			// Refused for SIGKILL and SIGSTOP, which have no handler anyway.
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
		}
	}
	return ends
}
