package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// stackSize is more than a chain of nosplit functions may use: the linker allows 800 bytes.
const stackSize = 16 << 10

// clearHandlers is CLONE_CLEAR_SIGHAND: the child begins with no signal handlers. clone(2), Linux ≥ 5.5
const clearHandlers = 1 << 32

// forkShared is fork without a copy of this process's memory: the child runs c in the same memory, on
// a stack of its own, until its execve. Copying the page tables, and then each page that either of
// both writes, costs a quarter of a start. Until drop, c is not freed.
//
// The child lives beside this process, so it may touch nothing of the Go runtime. It finds no
// signal handlers, and its signals are blocked until it has said so.
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

// borrowed is what a child uses of this process.
type borrowed struct {
	child *child
	stack []byte
}

// drop frees what a child used: it has called execve, or it has ended. The caller holds the lock.
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
	pid, e := cloneShared(args, unsafe.Sizeof(*args), c)
	runtimeAfterFork()
	return int(pid), e
}

// cloneShared is clone3(2); the child calls sharedMain(c) on its stack.
//
//go:noescape
func cloneShared(args *cloneArgs, size uintptr, c *child) (pid uintptr, errno syscall.Errno)

// sharedMain is where the child begins.
//
//go:nosplit
//go:norace
func sharedMain(c *child) {
	_, e := sys6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&noSignals)), 0, 8, 0, 0)
	if e != 0 {
		c.fail(initproto.StepClone, 4, e)
	}
	c.main()
}

var noSignals [1]uint64
