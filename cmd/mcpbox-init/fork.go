package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// The Go runtime's hooks around fork, which package syscall uses: they block signals during the
// clone and reset them in the child. The Go linker allows this use: the symbols are on its list.

//go:linkname runtimeBeforeFork syscall.runtime_BeforeFork
func runtimeBeforeFork()

//go:linkname runtimeAfterFork syscall.runtime_AfterFork
func runtimeAfterFork()

//go:linkname runtimeAfterForkInChild syscall.runtime_AfterForkInChild
func runtimeAfterForkInChild()

// cloneArgs is struct clone_args of clone3(2), Linux ≥ 5.7 for cgroup.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal uint64
	stack, stackSize, tls, setTID, setTIDSize     uint64
	cgroup                                        uint64
}

// fork clones and, in the child, runs c to its end; there it never returns. The child has a copy of
// this process's memory. The stack must not grow after runtimeBeforeFork, so everything below is
// nosplit.
//
//go:noinline
//go:norace
func fork(args *cloneArgs, c *child) (pid int, errno syscall.Errno) {
	runtimeBeforeFork()
	slack(usualSlack)
	r, _, e := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)),
		unsafe.Sizeof(*args), 0)
	if e == 0 && r == 0 {
		runtimeAfterForkInChild()
		if c.warm != nil {
			c.cell()
		}
		c.main()
	}
	slack(initproto.TimerSlack)
	runtimeAfterFork()
	return int(r), e
}
