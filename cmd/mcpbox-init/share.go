package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// stackSize is larger than the stack of a chain of nosplit functions, for which the linker allows
// 800 bytes.
const stackSize = 16 << 10

// clearHandlers is CLONE_CLEAR_SIGHAND: the child begins with no signal handlers. clone(2), Linux ≥
// 5.5
const clearHandlers = 1 << 32

// forkShared is like fork, but does not copy this process's memory: the child runs c in the same
// memory, on its own stack, until its execve. A copy of the page tables, and then of each page that
// one of both processes writes, would cost a quarter of a start. c is not freed before drop.
//
// The child runs at the same time as this process, so it must not touch the Go runtime. It has no
// signal handlers, and its signals stay blocked until it unblocks them.
//
//go:norace
func (in *initProcess) forkShared(args *cloneArgs, c *child) (pid int, errno syscall.Errno) {
	stack, err := unix.Mmap(-1, 0, stackSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return -1, unix.ENOMEM
	}
	args.flags |= unix.CLONE_VM | clearHandlers
	args.stack, args.stackSize = uint64(uintptr(unsafe.Pointer(&stack[0]))), stackSize
	pid, errno = cloneInto(args, c)
	if errno != 0 {
		_ = unix.Munmap(stack)
		return pid, errno
	}
	in.shared[pid] = &borrowed{c, stack}
	return pid, 0
}

// borrowed is the memory of this process that a child uses.
type borrowed struct {
	child *child
	stack []byte
}

// drop frees the memory that a child used, after its execve or its end. The caller holds the lock.
func (in *initProcess) drop(pid int) {
	if b := in.shared[pid]; b != nil {
		delete(in.shared, pid)
		_ = unix.Munmap(b.stack)
	}
}

//go:noinline
//go:norace
func cloneInto(args *cloneArgs, c *child) (int, syscall.Errno) {
	runtimeBeforeFork()
	slack(usualSlack)
	pid, e := cloneShared(args, unsafe.Sizeof(*args), c)
	slack(initproto.TimerSlack)
	runtimeAfterFork()
	return int(pid), e
}

// cloneShared calls clone3(2). The child calls sharedMain(c) on its stack.
//
//go:noescape
func cloneShared(args *cloneArgs, size uintptr, c *child) (pid uintptr, errno syscall.Errno)

// sharedMain is the child's first function.
//
//go:nosplit
//go:norace
func sharedMain(c *child) { //nolint:unused // share_amd64.s calls it
	_, e := sys6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&noSignals)),
		0, 8, 0, 0)
	if e != 0 {
		c.fail(initproto.StepClone, 4, e)
	}
	c.main()
}

var noSignals [1]uint64 //nolint:unused // of sharedMain
