package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// child holds everything that the new process needs, prepared before the clone. Its methods must
// not allocate, grow the stack, or write a pointer: see fork.
type child struct {
	argv, envv []*byte // kept alive for command
	candidates []*byte
	command    command
	root, dir  *byte
	nsLimit    *byte // /proc/sys/user/max_user_namespaces
	inotify    *byte // /proc/sys/user/max_inotify_instances
	watches    *byte // /proc/sys/user/max_inotify_watches
	mounts     []rawMount
	rlimits    []initproto.Rlimit
	landlock   *rawLandlock
	filter     *syscall.SockFprog
	filterFlag uintptr

	stdio        [3]int
	tty          bool
	status, gate int // pipes: out for the fault record, in for the permission to continue
	id, umask    uintptr

	byte1  [1]byte
	stat   unix.Stat_t
	record [5]int32 // step, index, errno, listener, landlock proved
	limit  unix.Rlimit
	rule   pathBeneath
	caps   [2]unix.CapUserData
	capHdr unix.CapUserHeader

	ruleset uintptr // of Landlock; 0: not wanted
	warm    *warm   // nil: the command is known from the start
	masker  *masker // not nil: the process is not a tool's, and the rest is empty
}

// command is what to execute: addresses of the contents of argv and envv. They are numbers, because
// the child must not write a pointer.
type command struct {
	argv, envv uintptr // of arrays that end with 0
	dir        uintptr
	count      int // of candidates: the first executable path is used
}

type rawMount struct {
	source, target, fstype, data *byte
	flags                        uintptr
	mkdir                        uintptr // the mode of a folder to make, 0: a mount
	optional                     bool
}

type rawLandlock struct {
	attr   [3]uint64 // handled_access_fs, handled_access_net, scoped
	size   uintptr
	rules  []rawRule
	stdio  [3]uint64
	canary *byte
}

type rawRule struct {
	path     *byte
	access   uint64
	optional bool
}

// pathBeneath is struct landlock_path_beneath_attr. The struct is packed, so its fields are split.
type pathBeneath struct {
	accessLow, accessHigh uint32
	fd                    int32
}

const (
	statusFD = 3 // where the pipes end up
	gateFD   = 4
	firstFD  = 5
	highFD   = 16 // lowest number for descriptors that are kept for later
)

var (
	zero       = [2]byte{'0', 0}
	fewInotify = [3]byte{'6', '4', 0}
	fewWatches = [6]byte{'6', '5', '5', '3', '6', 0}
)

// main is the straight line from clone to execve. Each step that fails reports its name.
//
//go:nosplit
//go:norace
func (c *child) main() {
	if c.masker != nil {
		c.masker.main()
	}
	c.become()
	c.session()
	c.enterRoot()
	c.setLimits()
	c.descriptors()
	if e := sys3(unix.SYS_CHDIR, c.command.dir, 0, 0); e != 0 {
		c.fail(initproto.StepDir, 0, e)
	}
	path := c.lookup()
	c.makeRuleset()
	c.lock()
	c.await() // until the supervisor has verified the layers and serves the listener
	_, e := sys6(unix.SYS_EXECVE, path, c.command.argv, c.command.envv, 0, 0, 0)
	c.fail(initproto.StepExec, 0, e)
}

// become takes the tool's ids.
//
//go:nosplit
//go:norace
func (c *child) become() {
	c.await() // until the id maps are written
	if e := sys3(unix.SYS_SETRESGID, c.id, c.id, c.id); e != 0 {
		c.fail(initproto.StepSetID, 0, e)
	}
	if e := sys3(unix.SYS_SETRESUID, c.id, c.id, c.id); e != 0 {
		c.fail(initproto.StepSetID, 1, e)
	}
	// If fs.suid_dumpable is 1, a change of the id makes the memory dumpable, and it may be PID 1's
	// memory. proc_sys_fs(5)
	if e := prctl(unix.PR_SET_DUMPABLE, 0); e != 0 {
		c.fail(initproto.StepSetID, 2, e)
	}
}

//go:nosplit
//go:norace
func (c *child) setLimits() {
	for i := range c.rlimits {
		c.limit.Cur, c.limit.Max = c.rlimits[i].Soft, c.rlimits[i].Hard
		if _, e := sys6(unix.SYS_PRLIMIT64, 0, uintptr(c.rlimits[i].Resource),
			uintptr(unsafe.Pointer(&c.limit)), 0, 0, 0); e != 0 {
			c.fail(initproto.StepRlimit, i, e)
		}
	}
}

// lock applies the last layers and reports it.
//
//go:nosplit
//go:norace
func (c *child) lock() {
	if e := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); e != 0 {
		c.fail(initproto.StepNoNewPrivs, 0, e)
	}
	proved := c.restrict()
	c.dropCapabilities()
	listener := c.installFilter()
	c.record = [5]int32{0, 0, 0, int32(listener), proved}
	_ = sys3(unix.SYS_WRITE, statusFD, uintptr(unsafe.Pointer(&c.record)), unsafe.Sizeof(c.record))
}

// session makes the child a session leader, and the terminal its controlling terminal.
//
//go:nosplit
//go:norace
func (c *child) session() {
	if e := sys3(unix.SYS_SETSID, 0, 0, 0); e != 0 {
		c.fail(initproto.StepSession, 0, e)
	}
	if c.tty {
		if e := sys3(unix.SYS_IOCTL, uintptr(c.stdio[0]), unix.TIOCSCTTY, 0); e != 0 {
			c.fail(initproto.StepTTY, 1, e)
		}
	}
}

// enterRoot forbids nested user namespaces, builds the cell's mounts and pivots into the tool's
// root.
//
//go:nosplit
//go:norace
func (c *child) enterRoot() {
	c.lower(0, c.nsLimit, uintptr(unsafe.Pointer(&zero)), 1)
	c.lower(2, c.inotify, uintptr(unsafe.Pointer(&fewInotify)), 2)
	c.lower(4, c.watches, uintptr(unsafe.Pointer(&fewWatches)), 5)
	for i := range c.mounts {
		m := &c.mounts[i]
		if m.mkdir != 0 {
			if e := sys3(unix.SYS_MKDIR, uintptr(unsafe.Pointer(m.target)), m.mkdir, 0); e != 0 {
				c.fail(initproto.StepMount, i, e)
			}
			continue
		}
		_, e := sys6(unix.SYS_MOUNT, uintptr(unsafe.Pointer(m.source)),
			uintptr(unsafe.Pointer(m.target)),
			uintptr(unsafe.Pointer(m.fstype)), m.flags, uintptr(unsafe.Pointer(m.data)), 0)
		if e != 0 && !(m.optional && e == unix.ENOENT) {
			c.fail(initproto.StepMount, i, e)
		}
	}
	if e := sys3(unix.SYS_CHDIR, uintptr(unsafe.Pointer(c.root)), 0, 0); e != 0 {
		c.fail(initproto.StepPivot, 0, e)
	}
	dot := uintptr(unsafe.Pointer(&dotPath))
	if e := sys3(unix.SYS_PIVOT_ROOT, dot, dot, 0); e != 0 {
		c.fail(initproto.StepPivot, 1, e)
	}
	// pivot_root(".", ".") leaves the old root mounted on top: pivot_root(2).
	if e := sys3(unix.SYS_UMOUNT2, dot, unix.MNT_DETACH, 0); e != 0 {
		c.fail(initproto.StepPivot, 2, e)
	}
}

// lower sets a limit of the cell's own user namespace. The tool can't raise it. Usage inside also
// counts for the user who created the namespace, so the tool must not use up that user's inotify
// instances (128 by default) and watches (each about a KiB of kernel memory). namespaces(7)
//
//go:nosplit
//go:norace
func (c *child) lower(index int, file *byte, value, length uintptr) {
	fd, e := sys6(unix.SYS_OPENAT, at(unix.AT_FDCWD), uintptr(unsafe.Pointer(file)),
		unix.O_WRONLY|unix.O_CLOEXEC, 0, 0, 0)
	if e != 0 {
		c.fail(initproto.StepNoNested, index, e)
	}
	if e := sys3(unix.SYS_WRITE, fd, value, length); e != 0 {
		c.fail(initproto.StepNoNested, index+1, e)
	}
}

var dotPath = [2]byte{'.', 0}

// descriptors keeps 0, 1, 2 and the two pipes, and closes everything else.
//
//go:nosplit
//go:norace
func (c *child) descriptors() {
	for i := range c.stdio {
		if _, e := sys6(unix.SYS_DUP3, uintptr(c.stdio[i]), uintptr(i), 0, 0, 0, 0); e != 0 {
			c.fail(initproto.StepStdio, i, e)
		}
	}
	if e := sys3(unix.SYS_DUP3, uintptr(c.status), statusFD, unix.O_CLOEXEC); e != 0 {
		c.fail(initproto.StepStdio, 3, e)
	}
	c.status = statusFD
	if e := sys3(unix.SYS_DUP3, uintptr(c.gate), gateFD, unix.O_CLOEXEC); e != 0 {
		c.fail(initproto.StepStdio, 4, e)
	}
	c.gate = gateFD
	if e := sys3(unix.SYS_CLOSE_RANGE, firstFD, ^uintptr(0)>>32, 0); e != 0 {
		c.fail(initproto.StepStdio, 5, e)
	}
	_ = sys3(unix.SYS_UMASK, c.umask, 0, 0)
}

// candidate returns the address of a path.
//
//go:nosplit
//go:norace
func (c *child) candidate(i int) uintptr {
	if c.warm != nil {
		return c.warm.area.pointers[1+i]
	}
	return uintptr(unsafe.Pointer(c.candidates[i]))
}

// lookup returns the first candidate that is an executable regular file.
//
//go:nosplit
//go:norace
func (c *child) lookup() uintptr {
	last := unix.ENOENT
	for i := range c.command.count {
		path := c.candidate(i)
		_, e := sys6(unix.SYS_NEWFSTATAT, at(unix.AT_FDCWD), path, uintptr(unsafe.Pointer(&c.stat)),
			0, 0, 0)
		if e == 0 && c.stat.Mode&unix.S_IFMT != unix.S_IFREG {
			e = unix.EACCES
		}
		if e == 0 {
			_, e = sys6(unix.SYS_FACCESSAT2, at(unix.AT_FDCWD), path, unix.X_OK, unix.AT_EACCESS, 0,
				0)
		}
		if e == 0 {
			return path
		}
		if e != unix.ENOENT && e != unix.ENOTDIR {
			last = e
		}
	}
	c.fail(initproto.StepLookup, 0, last)
	return 0
}

// makeRuleset makes the Landlock ruleset.
//
//go:nosplit
//go:norace
func (c *child) makeRuleset() {
	l := c.landlock
	if l == nil {
		return
	}
	ruleset, e := sys6(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&l.attr)), l.size,
		0, 0, 0, 0)
	if e != 0 {
		c.fail(initproto.StepLandlock, 0, e)
	}
	for i := range l.rules {
		fd, e := sys6(unix.SYS_OPENAT, at(unix.AT_FDCWD), uintptr(unsafe.Pointer(l.rules[i].path)),
			unix.O_PATH|unix.O_CLOEXEC, 0, 0, 0)
		if e == unix.ENOENT && l.rules[i].optional {
			continue
		}
		if e == 0 {
			access := l.rules[i].access
			c.rule = pathBeneath{uint32(access), uint32(access >> 32), int32(fd)}
			_, e = sys6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, unix.LANDLOCK_RULE_PATH_BENEATH,
				uintptr(unsafe.Pointer(&c.rule)), 0, 0, 0)
			sys3(unix.SYS_CLOSE, fd, 0, 0)
		}
		if e != 0 {
			c.fail(initproto.StepLandlock, i+1, e)
		}
	}
	for fd, access := range l.stdio {
		if access == 0 {
			continue
		}
		c.rule = pathBeneath{uint32(access), uint32(access >> 32), int32(fd)}
		if _, e := sys6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, unix.LANDLOCK_RULE_PATH_BENEATH,
			uintptr(unsafe.Pointer(&c.rule)), 0, 0, 0); e != 0 {
			c.fail(initproto.StepLandlock, len(l.rules)+1+fd, e)
		}
	}
	c.ruleset = ruleset
}

// restrict applies Landlock, and proves it with the canary: readable before, refused after. It
// returns 1 for a proved ruleset, and 0 if none is wanted.
//
//go:nosplit
//go:norace
func (c *child) restrict() int32 {
	if c.landlock == nil {
		return 0
	}
	if e := c.openCanary(); e != 0 {
		c.fail(initproto.StepLandlockProbe, 0, e)
	}
	if e := sys3(unix.SYS_LANDLOCK_RESTRICT_SELF, c.ruleset, 0, 0); e != 0 {
		c.fail(initproto.StepLandlock, 0, e)
	}
	sys3(unix.SYS_CLOSE, c.ruleset, 0, 0)
	if e := c.openCanary(); e != unix.EACCES {
		c.fail(initproto.StepLandlockProbe, 1, e)
	}
	return 1
}

//go:nosplit
//go:norace
func (c *child) openCanary() syscall.Errno {
	fd, e := sys6(unix.SYS_OPENAT, at(unix.AT_FDCWD), uintptr(unsafe.Pointer(c.landlock.canary)),
		unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if e == 0 {
		_ = sys3(unix.SYS_CLOSE, fd, 0, 0)
	}
	return e
}

// dropBounding empties the bounding set. What the other sets have stays.
//
//go:nosplit
//go:norace
func (c *child) dropBounding() {
	for capability := uintptr(0); capability < 64; capability++ {
		if e := prctl(unix.PR_CAPBSET_DROP, capability); e == unix.EINVAL {
			break // past the kernel's last one
		} else if e != 0 {
			c.fail(initproto.StepCaps, int(capability), e)
		}
	}
}

// dropCapabilities empties the bounding, ambient, effective, permitted and inheritable sets.
// capabilities(7)
//
//go:nosplit
//go:norace
func (c *child) dropCapabilities() {
	c.dropBounding()
	if e := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); e != 0 {
		c.fail(initproto.StepCaps, 64, e)
	}
	if e := sys3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&c.capHdr)),
		uintptr(unsafe.Pointer(&c.caps)), 0); e != 0 {
		c.fail(initproto.StepCaps, 65, e)
	}
}

// installFilter returns the notify descriptor, or -1 without a filter.
//
//go:nosplit
//go:norace
func (c *child) installFilter() int {
	if c.filter == nil {
		return -1
	}
	fd, e := sys6(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, c.filterFlag,
		uintptr(unsafe.Pointer(c.filter)), 0, 0, 0)
	if e != 0 {
		c.fail(initproto.StepSeccomp, 0, e)
	}
	return int(fd)
}

// await blocks until init writes a byte. EOF means that init has ended: then the child ends, too.
//
//go:nosplit
//go:norace
func (c *child) await() {
	for {
		n, e := sys6(unix.SYS_READ, uintptr(c.gate), uintptr(unsafe.Pointer(&c.byte1)), 1, 0, 0, 0)
		if n == 1 && e == 0 {
			return
		}
		if e != unix.EINTR {
			_ = sys3(unix.SYS_EXIT_GROUP, 1, 0, 0)
		}
	}
}

//go:nosplit
//go:norace
func (c *child) fail(step initproto.Step, index int, e syscall.Errno) {
	c.record = [5]int32{int32(step), int32(index), int32(e), -1, 0}
	_ = sys3(unix.SYS_WRITE, uintptr(c.status), uintptr(unsafe.Pointer(&c.record)),
		unsafe.Sizeof(c.record))
	for {
		_ = sys3(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
}

//go:nosplit
//go:norace
func sys6(nr, a, b, c, d, e, f uintptr) (uintptr, syscall.Errno) {
	r, _, errno := syscall.RawSyscall6(nr, a, b, c, d, e, f)
	return r, errno
}

//go:nosplit
//go:norace
func sys3(nr, a, b, c uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(nr, a, b, c, 0, 0, 0)
	return errno
}

//go:nosplit
//go:norace
func prctl(op, arg uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, op, arg, 0, 0, 0, 0)
	return errno
}

//go:nosplit
//go:norace
func at(fd int) uintptr { return uintptr(fd) }
