package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// warm holds what a cell needs if it is built before its command is known. The first child is PID 1
// of the cell's own PID namespace: it makes the mounts, clones the process that becomes the tool,
// takes the call, and reaps. The other process puts every layer on and waits. Until the call, both
// share their descriptors, working directory and umask: so the first one prepares those of the
// second one, whose filter forbids it.
type warm struct {
	call, exit int // the socket, and the pipe through which the reaper reports the end
	loopback   bool
	network    *network // nil: the cell reaches nothing outside
	open       bool     // the layers come with the call: after a workspace, and a terminal
	keyring    bool     // the filter allows keyctl(2)
	area       *callArea
	file       initproto.FileHeader

	clone   cloneArgs
	tool    uintptr
	gate    [2]int32 // a pipe to the tool's process
	status  int32
	left    int32
	usage   unix.Rusage
	ended   [4]int64 // wait status, user µs, system µs, KiB
	ifreq   [40]byte // struct ifreq: name and flags
	message unix.Msghdr
	iov     unix.Iovec
	control [64]byte
}

// callArea is memory that both processes of a cell share: the first one writes the call's data
// there, the other one executes it.
type callArea struct {
	buffer   [initproto.MaxCall]byte
	pointers [initproto.MaxCallStrings]uintptr
	path     [initproto.MaxPath]byte // of a file

	program, argv, envv uintptr // of execve
	tty                 bool    // standard input is to be the controlling terminal
}

// newCallArea makes the memory. It uses none before it is written.
func newCallArea() (*callArea, error) {
	data, err := unix.Mmap(-1, 0, int(unsafe.Sizeof(callArea{})), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	return (*callArea)(unsafe.Pointer(&data[0])), nil
}

// free ends this process's use of the memory.
func (a *callArea) free() {
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(a)), unsafe.Sizeof(*a)))
}

// Descriptors of a cell's two processes. 0, 1 and 2 are the call's.
const (
	exitFD    = 4
	gateEnd   = 5
	gateStart = 6
	rulesetFD = 7
	lastFD    = rulesetFD
)

// cell is the straight line of a cell that is built before its call. It does not return.
//
//go:nosplit
//go:norace
func (c *child) cell() {
	w := c.warm
	c.become()
	sys3(unix.SYS_UMASK, 0, 0, 0)
	c.enterRoot()
	if w.loopback {
		c.loopbackUp()
	}
	if w.network != nil {
		c.openNetwork()
	}
	c.cellDescriptors()
	c.makeRuleset()
	w.clone.flags = unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_PIDFD
	w.clone.pidfd = uint64(uintptr(unsafe.Pointer(&w.status)))
	w.clone.exitSignal = uint64(unix.SIGCHLD)
	pid, e := sys6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&w.clone)), unsafe.Sizeof(w.clone), 0, 0,
		0, 0)
	if e != 0 {
		c.fail(initproto.StepClone, 2, e)
	}
	if pid == 0 {
		c.tool()
	}
	w.tool = pid
	c.take(c.awaitCall())
	c.serveCall()
	c.reap()
}

// cellDescriptors moves the descriptors to fixed numbers and closes all others.
//
//go:nosplit
//go:norace
func (c *child) cellDescriptors() {
	w := c.warm
	if e := sys3(unix.SYS_PIPE2, uintptr(unsafe.Pointer(&w.gate)), unix.O_CLOEXEC, 0); e != 0 {
		c.fail(initproto.StepPipe, 4, e)
	}
	// Above the numbers that they get: the pipe's own numbers may be among those.
	for i := range w.gate {
		high, e := sys6(unix.SYS_FCNTL, uintptr(w.gate[i]), unix.F_DUPFD_CLOEXEC, highFD, 0, 0, 0)
		if e != 0 {
			c.fail(initproto.StepPipe, 5, e)
		}
		w.gate[i] = int32(high)
	}
	from := [4]uintptr{uintptr(w.call), uintptr(w.exit), uintptr(w.gate[0]), uintptr(w.gate[1])}
	for i := range from {
		if e := sys3(unix.SYS_DUP3, from[i], uintptr(statusFD+i), unix.O_CLOEXEC); e != 0 {
			c.fail(initproto.StepStdio, statusFD+i, e)
		}
	}
	// The call's descriptors are not to get these numbers when they arrive.
	for fd := range uintptr(statusFD) {
		if e := sys3(unix.SYS_DUP3, gateEnd, fd, unix.O_CLOEXEC); e != 0 {
			c.fail(initproto.StepStdio, int(fd), e)
		}
	}
	c.status, c.gate, w.call, w.exit = statusFD, gateEnd, statusFD, exitFD
	if e := sys3(unix.SYS_CLOSE_RANGE, rulesetFD, ^uintptr(0)>>32, 0); e != 0 {
		c.fail(initproto.StepStdio, 5, e)
	}
}

// tool is the process that becomes the tool. Without a workspace and a terminal, nothing that comes
// with the call matters to the layers. So they are applied now, and verified before the call.
//
//go:nosplit
//go:norace
func (c *child) tool() {
	w := c.warm
	c.session()
	if w.keyring { // keyctl(2), KEYCTL_JOIN_SESSION_KEYRING
		if e := sys3(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0); e != 0 {
			c.fail(initproto.StepSession, 1, e)
		}
	}
	c.setLimits()
	if w.open {
		c.await() // for the call
		if w.area.tty {
			if e := sys3(unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 0); e != 0 {
				c.fail(initproto.StepTTY, 1, e)
			}
		}
		c.gate = statusFD
	}
	c.lock()
	c.await()
	_, e := sys6(unix.SYS_EXECVE, w.area.program, w.area.argv, w.area.envv, 0, 0, 0)
	c.fail(initproto.StepExec, 0, e)
}

// serveCall prepares the other process's descriptors, folder and program, and lets it go on.
//
//go:nosplit
//go:norace
func (c *child) serveCall() {
	w := c.warm
	for i := range c.stdio {
		if e := sys3(unix.SYS_DUP3, uintptr(c.stdio[i]), uintptr(i), 0); e != 0 {
			c.fail(initproto.StepStdio, i, e)
		}
	}
	if e := sys3(unix.SYS_CLOSE_RANGE, lastFD+1, ^uintptr(0)>>32, 0); e != 0 {
		c.fail(initproto.StepStdio, 5, e)
	}
	if !w.open { // the filter's listener may have that number: the supervisor has its own
		sys3(unix.SYS_CLOSE, rulesetFD, 0, 0)
	}
	if e := sys3(unix.SYS_CHDIR, c.command.dir, 0, 0); e != 0 {
		c.fail(initproto.StepDir, 0, e)
	}
	sys3(unix.SYS_UMASK, c.umask, 0, 0)
	w.area.program = c.lookup()
	w.area.argv, w.area.envv = c.command.argv, c.command.envv
	if e := sys3(unix.SYS_UNSHARE, unix.CLONE_FS|unix.CLONE_FILES, 0, 0); e != 0 {
		c.fail(initproto.StepStdio, 6, e)
	}
	if e := sys3(unix.SYS_WRITE, gateStart, uintptr(unsafe.Pointer(&c.byte1)), 1); e != 0 {
		c.fail(initproto.StepPipe, 6, e)
	}
	// It only keeps the pipe that reports the end. The supervisor takes the list of shared memory,
	// which gets the number 1 (initproto.SegmentsFD), and the socket that lists sockets. A kernel
	// may have neither.
	sys3(unix.SYS_DUP3, exitFD, 0, unix.O_CLOEXEC)
	sys3(unix.SYS_CLOSE_RANGE, 1, ^uintptr(0)>>32, 0)
	sys6(unix.SYS_OPENAT, at(unix.AT_FDCWD), uintptr(unsafe.Pointer(&segmentsPath)),
		unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	fd, e := sys6(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC,
		unix.NETLINK_SOCK_DIAG, 0, 0, 0)
	if e == 0 && fd != initproto.SocketsFD {
		sys3(unix.SYS_DUP3, fd, initproto.SocketsFD, unix.O_CLOEXEC)
		sys3(unix.SYS_CLOSE, fd, 0, 0)
	}
}

var segmentsPath = [len(initproto.Segments) + 1]byte([]byte(initproto.Segments + "\x00"))

// reap waits for the tool's end, ends what it has left, and reports it. Then it waits to be killed:
// to take down the namespaces takes longer than all the rest, and nobody has to wait for it. The
// kernel kills what is left when the reaper ends. pid_namespaces(7)
//
// The reaper keeps its capabilities, which are only valid in the cell's namespaces. So the tool
// can't change the reaper's scheduling: the kernel requires that the target's capabilities are a
// subset of the caller's. sched(7)
//
//go:nosplit
//go:norace
func (c *child) reap() {
	w := c.warm
	for {
		got, e := sys6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&w.status)), 0,
			uintptr(unsafe.Pointer(&w.usage)), 0, 0)
		if e != 0 && e != unix.EINTR {
			break // no child is left
		}
		if e == 0 && got == w.tool {
			u := &w.usage
			w.ended[0] = int64(w.status)
			w.ended[1] = u.Utime.Sec*1e6 + u.Utime.Usec
			w.ended[2] = u.Stime.Sec*1e6 + u.Stime.Usec
			w.ended[3] = u.Maxrss
			// What it leaves is the reaper's children now. Without any, there is nobody to kill; to
			// look for them, the kernel would go through all processes of the host.
			if _, e := sys6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&w.left)),
				unix.WNOHANG, 0, 0, 0); e != unix.ECHILD {
				// Every other process of the namespace. The kernel allows no fork meanwhile:
				// kill(2)
				sys3(unix.SYS_KILL, ^uintptr(0), uintptr(unix.SIGKILL), 0)
			}
			sys3(unix.SYS_WRITE, 0, uintptr(unsafe.Pointer(&w.ended)), unsafe.Sizeof(w.ended))
		}
	}
	for {
		sys6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}

// loopbackUp sets lo up in the cell's own network namespace. netdevice(7)
//
//go:nosplit
//go:norace
func (c *child) loopbackUp() {
	w := c.warm
	fd, e := sys6(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	if e != 0 {
		c.fail(initproto.StepLoopback, 0, e)
	}
	w.ifreq[0], w.ifreq[1] = 'l', 'o'
	w.ifreq[16] = unix.IFF_UP
	if e := sys3(unix.SYS_IOCTL, fd, unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&w.ifreq))); e != 0 {
		c.fail(initproto.StepLoopback, 1, e)
	}
	sys3(unix.SYS_CLOSE, fd, 0, 0)
}

// openNetwork makes every address local to the cell, gives up the capabilities for that, and sends
// the supervisor the sockets on which it answers for them.
//
//go:nosplit
//go:norace
func (c *child) openNetwork() {
	w, n := c.warm, c.warm.network
	if step, i, e := n.open(); e != 0 {
		c.fail(step, i, e)
	}
	if e := n.drop(&c.capHdr); e != 0 {
		c.fail(initproto.StepCaps, 66, e)
	}
	c.record = [5]int32{0, 0, 0, -1, 0}
	if n.ipv6 {
		c.record[1] = 1
	}
	c.attach(uintptr(unsafe.Pointer(&c.record)), unsafe.Sizeof(c.record))
	*(*uintptr)(unsafe.Pointer(&w.message.Control)) = uintptr(unsafe.Pointer(&n.control[0]))
	w.message.Controllen = uint64(len(n.control))
	if e := sys3(unix.SYS_SENDMSG, uintptr(w.call), uintptr(unsafe.Pointer(&w.message)),
		unix.MSG_NOSIGNAL); e != 0 {
		c.fail(initproto.StepNetwork, 4, e)
	}
	for i := range n.fds {
		sys3(unix.SYS_CLOSE, uintptr(n.fds[i]), 0, 0)
	}
}

// awaitCall sends a pidfd of the tool's process, and waits for the call. It returns the length of
// its data.
//
//go:nosplit
//go:norace
func (c *child) awaitCall() (length uintptr) {
	w := c.warm
	pidfd := w.status
	c.record = [5]int32{0, 0, 0, -1, 0}
	c.attach(uintptr(unsafe.Pointer(&c.record)), unsafe.Sizeof(c.record))
	*(*uint64)(unsafe.Pointer(&w.control[0])) = 20 // struct cmsghdr: length, SOL_SOCKET, SCM_RIGHTS
	*(*int32)(unsafe.Pointer(&w.control[8])) = unix.SOL_SOCKET
	*(*int32)(unsafe.Pointer(&w.control[12])) = unix.SCM_RIGHTS
	*(*int32)(unsafe.Pointer(&w.control[16])) = pidfd
	w.message.Controllen = 24
	if e := sys3(unix.SYS_SENDMSG, uintptr(w.call), uintptr(unsafe.Pointer(&w.message)),
		unix.MSG_NOSIGNAL); e != 0 {
		sys3(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
	sys3(unix.SYS_CLOSE, uintptr(pidfd), 0, 0)

	// The first write to a page costs a fault: now, not in the call.
	const page = 4096
	area := w.area
	area.buffer[0], area.buffer[page], area.pointers[0], area.program = 0, 0, 0, 0

	c.attach(uintptr(unsafe.Pointer(&area.buffer)), unsafe.Sizeof(area.buffer))
	w.message.Controllen = uint64(unsafe.Sizeof(w.control))
	n, e := sys6(unix.SYS_RECVMSG, uintptr(w.call), uintptr(unsafe.Pointer(&w.message)),
		unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
	if e != 0 || n == 0 { // the cell is no longer needed
		sys3(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return n
}

// attach makes the message refer to a buffer. It uses numbers, not pointers: see fork.
//
//go:nosplit
//go:norace
func (c *child) attach(base, length uintptr) {
	w := c.warm
	*(*uintptr)(unsafe.Pointer(&w.iov.Base)) = base
	w.iov.Len = uint64(length)
	*(*uintptr)(unsafe.Pointer(&w.message.Iov)) = uintptr(unsafe.Pointer(&w.iov))
	w.message.Iovlen = 1
	*(*uintptr)(unsafe.Pointer(&w.message.Control)) = uintptr(unsafe.Pointer(&w.control))
}

// take reads a call of n bytes (initproto.Call) and its descriptors.
//
//go:nosplit
//go:norace
func (c *child) take(n uintptr) {
	w := c.warm
	head := (*initproto.CallHeader)(unsafe.Pointer(&w.area.buffer))
	fds := (*[5]int32)(unsafe.Pointer(&w.control[16]))
	bad := n < unsafe.Sizeof(*head) || w.message.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 ||
		uintptr(head.Strings) > uintptr(len(w.area.pointers))-3 || head.Args == 0 ||
		head.Args+head.Env+head.Candidates+1 != head.Strings || w.area.buffer[n-1] != 0
	count := (*(*uint64)(unsafe.Pointer(&w.control[0])) - 16) / 4
	files := uint64(min(head.Files, 1)) // descriptors
	if bad || w.message.Controllen < 16 || head.Workspace > 1 ||
		head.Workspace+head.TTY > 0 && !w.open || count != 3+files+uint64(head.Workspace) {
		c.fail(initproto.StepBody, 0, unix.EBADMSG)
	}
	// The strings follow each other: dir, candidates, arguments, environment.
	argv := 1 + int(head.Candidates)
	envv := argv + int(head.Args) + 1 // the arguments end with 0
	pos, slot := int(unsafe.Sizeof(*head)), 0
	for pos < int(n) {
		if slot == envv-1 {
			slot++
		}
		if slot > int(head.Strings) { // one more than the strings, for the 0
			c.fail(initproto.StepBody, 1, unix.EBADMSG)
		}
		w.area.pointers[slot] = uintptr(unsafe.Pointer(&w.area.buffer[pos]))
		for w.area.buffer[pos] != 0 {
			pos++
		}
		pos++
		slot++
	}
	if slot != int(head.Strings)+1 && !(head.Env == 0 && slot == int(head.Strings)) {
		c.fail(initproto.StepBody, 2, unix.EBADMSG)
	}
	c.command.dir = w.area.pointers[0]
	c.command.count = int(head.Candidates)
	c.command.argv = uintptr(unsafe.Pointer(&w.area.pointers[argv]))
	c.command.envv = uintptr(unsafe.Pointer(&w.area.pointers[envv]))
	c.umask = uintptr(head.Umask)
	for i := range c.stdio {
		c.stdio[i] = int(fds[i])
	}
	w.area.tty = head.TTY != 0
	if head.Workspace != 0 {
		c.mountWorkspace(uintptr(fds[count-1]), head.Access)
	}
	if head.Files != 0 {
		c.makeFiles(uintptr(fds[3]), int(head.Files))
	}
}

// makeFiles makes folders and files in the cell's own storage. No code of the tool has run yet, so
// no symbolic link can be there. sendfile(2)
//
//go:nosplit
//go:norace
func (c *child) makeFiles(from uintptr, n int) {
	h := &c.warm.file
	path := uintptr(unsafe.Pointer(&c.warm.area.path))
	for i := range n {
		got, e := sys6(unix.SYS_READ, from, uintptr(unsafe.Pointer(h)), unsafe.Sizeof(*h), 0, 0, 0)
		if e != 0 || got != unsafe.Sizeof(*h) || h.Length == 0 || h.Length > initproto.MaxPath {
			c.fail(initproto.StepBody, 3, unix.EBADMSG)
		}
		got, e = sys6(unix.SYS_READ, from, path, uintptr(h.Length), 0, 0, 0)
		if e != 0 || got != uintptr(h.Length) || c.warm.area.path[h.Length-1] != 0 {
			c.fail(initproto.StepBody, 4, unix.EBADMSG)
		}
		if h.Mode&unix.S_IFMT == unix.S_IFDIR {
			if e := sys3(unix.SYS_MKDIR, path, uintptr(h.Mode&0o7777), 0); e != 0 &&
				e != unix.EEXIST {
				c.fail(initproto.StepFiles, i, e)
			}
			continue
		}
		const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
		to, e := sys6(unix.SYS_OPENAT, at(unix.AT_FDCWD), path, flags, uintptr(h.Mode&0o7777), 0, 0)
		if e != 0 {
			c.fail(initproto.StepFiles, i, e)
		}
		for h.Size > 0 {
			sent, e := sys6(unix.SYS_SENDFILE, to, from, 0, uintptr(h.Size), 0, 0)
			if e == 0 && sent == 0 {
				e = unix.EIO
			}
			if e != 0 {
				c.fail(initproto.StepFiles, i, e)
			}
			h.Size -= uint64(sent)
		}
		sys3(unix.SYS_CLOSE, to, 0, 0)
	}
	sys3(unix.SYS_CLOSE, from, 0, 0)
}

// mountWorkspace mounts a detached mount over /work, and allows what access says below it.
// move_mount(2), Linux ≥ 5.2
//
//go:nosplit
//go:norace
func (c *child) mountWorkspace(fd uintptr, access uint64) {
	const emptyPath = 0x4 // MOVE_MOUNT_F_EMPTY_PATH
	_, e := sys6(unix.SYS_MOVE_MOUNT, fd, uintptr(unsafe.Pointer(&noPath)), at(unix.AT_FDCWD),
		uintptr(unsafe.Pointer(&workPath)), emptyPath, 0)
	if e != 0 {
		c.fail(initproto.StepWorkspace, 0, e)
	}
	if c.ruleset != 0 {
		c.rule = pathBeneath{uint32(access), uint32(access >> 32), int32(fd)}
		if _, e := sys6(unix.SYS_LANDLOCK_ADD_RULE, c.ruleset, unix.LANDLOCK_RULE_PATH_BENEATH,
			uintptr(unsafe.Pointer(&c.rule)), 0, 0, 0); e != 0 {
			c.fail(initproto.StepWorkspace, 1, e)
		}
	}
	sys3(unix.SYS_CLOSE, fd, 0, 0)
}

var noPath, workPath = [1]byte{0}, [6]byte{'/', 'w', 'o', 'r', 'k', 0}
