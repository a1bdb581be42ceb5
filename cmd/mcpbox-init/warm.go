package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// warm holds what a cell needs if it is built before its command is known. The first child is PID 1
// of the cell's own PID namespace: it makes the mounts, clones the process that becomes the tool,
// and reaps. That process waits for its call on a socket.
type warm struct {
	call, exit int // the socket, and the pipe through which the reaper reports the end
	loopback   bool
	network    *network // nil: the cell reaches nothing outside
	file       initproto.FileHeader

	clone   cloneArgs
	tool    uintptr
	status  int32
	usage   unix.Rusage
	ended   [4]int64 // wait status, user µs, system µs, KiB
	ifreq   [40]byte // struct ifreq: name and flags
	message unix.Msghdr
	iov     unix.Iovec
	control [64]byte
}

// A call's data is read into these buffers. No other process writes them. They use no memory before
// that.
var (
	callBuffer   [initproto.MaxCall]byte
	callPointers [initproto.MaxCallStrings]uintptr
	pathBuffer   [initproto.MaxPath]byte
)

// reaper returns in the process that becomes the tool. The other process waits for its end, reports
// it, and exits: then the kernel kills what is left in the namespace. pid_namespaces(7)
//
//go:nosplit
//go:norace
func (c *child) reaper() {
	w := c.warm
	if w.loopback {
		c.loopbackUp()
	}
	if w.network != nil {
		c.openNetwork()
	}
	w.clone.exitSignal = uint64(unix.SIGCHLD)
	pid, e := sys6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&w.clone)), unsafe.Sizeof(w.clone), 0, 0,
		0, 0)
	if e != 0 {
		c.fail(initproto.StepClone, 2, e)
	}
	if pid == 0 {
		sys3(unix.SYS_CLOSE, uintptr(w.exit), 0, 0)
		return
	}
	w.tool = pid
	// It only keeps the pipe.
	sys3(unix.SYS_DUP3, uintptr(w.exit), 0, unix.O_CLOEXEC)
	sys3(unix.SYS_CLOSE_RANGE, 1, ^uintptr(0)>>32, 0)
	// The reaper keeps its capabilities, which are only valid in the cell's namespaces. So the tool
	// can't change the reaper's scheduling: the kernel requires that the target's capabilities are
	// a subset of the caller's. sched(7)
	for {
		got, e := sys6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&w.status)), 0,
			uintptr(unsafe.Pointer(&w.usage)), 0, 0)
		if e != 0 && e != unix.EINTR {
			break
		}
		if e == 0 && got == w.tool {
			u := &w.usage
			w.ended[0] = int64(w.status)
			w.ended[1] = u.Utime.Sec*1e6 + u.Utime.Usec
			w.ended[2] = u.Stime.Sec*1e6 + u.Stime.Usec
			w.ended[3] = u.Maxrss
			sys3(unix.SYS_WRITE, 0, uintptr(unsafe.Pointer(&w.ended)), unsafe.Sizeof(w.ended))
			break
		}
	}
	for {
		sys3(unix.SYS_EXIT_GROUP, 0, 0, 0)
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

// awaitCall reports that the cell is built, with a pidfd of this process, and waits for the call.
//
//go:nosplit
//go:norace
func (c *child) awaitCall() {
	w := c.warm
	pid, _ := sys6(unix.SYS_GETPID, 0, 0, 0, 0, 0, 0)
	pidfd, e := sys6(unix.SYS_PIDFD_OPEN, pid, 0, 0, 0, 0, 0)
	if e != 0 {
		c.fail(initproto.StepClone, 3, e)
	}
	c.record = [5]int32{0, 0, 0, -1, 0}
	c.attach(uintptr(unsafe.Pointer(&c.record)), unsafe.Sizeof(c.record))
	*(*uint64)(unsafe.Pointer(&w.control[0])) = 20 // struct cmsghdr: length, SOL_SOCKET, SCM_RIGHTS
	*(*int32)(unsafe.Pointer(&w.control[8])) = unix.SOL_SOCKET
	*(*int32)(unsafe.Pointer(&w.control[12])) = unix.SCM_RIGHTS
	*(*int32)(unsafe.Pointer(&w.control[16])) = int32(pidfd)
	w.message.Controllen = 24
	if e := sys3(unix.SYS_SENDMSG, uintptr(w.call), uintptr(unsafe.Pointer(&w.message)),
		unix.MSG_NOSIGNAL); e != 0 {
		sys3(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
	sys3(unix.SYS_CLOSE, pidfd, 0, 0)

	// The first write to a page costs a fault: now, not in the call.
	const page = 4096
	callBuffer[0], callBuffer[page], callPointers[0] = 0, 0, 0

	c.attach(uintptr(unsafe.Pointer(&callBuffer)), unsafe.Sizeof(callBuffer))
	w.message.Controllen = uint64(unsafe.Sizeof(w.control))
	n, e := sys6(unix.SYS_RECVMSG, uintptr(w.call), uintptr(unsafe.Pointer(&w.message)),
		unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
	if e != 0 || n == 0 { // the cell is no longer needed
		sys3(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	c.take(n)
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
	head := (*initproto.CallHeader)(unsafe.Pointer(&callBuffer))
	fds := (*[5]int32)(unsafe.Pointer(&w.control[16]))
	bad := n < unsafe.Sizeof(*head) || w.message.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 ||
		uintptr(head.Strings) > uintptr(len(callPointers))-3 || head.Args == 0 ||
		head.Args+head.Env+head.Candidates+1 != head.Strings || callBuffer[n-1] != 0
	count := (*(*uint64)(unsafe.Pointer(&w.control[0])) - 16) / 4
	files := uint64(min(head.Files, 1)) // descriptors
	if bad || w.message.Controllen < 16 || head.Workspace > 1 ||
		count != 3+files+uint64(head.Workspace) {
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
		callPointers[slot] = uintptr(unsafe.Pointer(&callBuffer[pos]))
		for callBuffer[pos] != 0 {
			pos++
		}
		pos++
		slot++
	}
	if slot != int(head.Strings)+1 && !(head.Env == 0 && slot == int(head.Strings)) {
		c.fail(initproto.StepBody, 2, unix.EBADMSG)
	}
	c.command.dir = callPointers[0]
	c.command.count = int(head.Candidates)
	c.command.argv = uintptr(unsafe.Pointer(&callPointers[argv]))
	c.command.envv = uintptr(unsafe.Pointer(&callPointers[envv]))
	c.umask = uintptr(head.Umask)
	for i := range c.stdio {
		c.stdio[i] = int(fds[i])
	}
	if head.Workspace != 0 {
		c.mountWorkspace(uintptr(fds[count-1]))
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
	path := uintptr(unsafe.Pointer(&pathBuffer))
	for i := range n {
		got, e := sys6(unix.SYS_READ, from, uintptr(unsafe.Pointer(h)), unsafe.Sizeof(*h), 0, 0, 0)
		if e != 0 || got != unsafe.Sizeof(*h) || h.Length == 0 || h.Length > initproto.MaxPath {
			c.fail(initproto.StepBody, 3, unix.EBADMSG)
		}
		got, e = sys6(unix.SYS_READ, from, path, uintptr(h.Length), 0, 0, 0)
		if e != 0 || got != uintptr(h.Length) || pathBuffer[h.Length-1] != 0 {
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

// mountWorkspace mounts a detached mount over /work. move_mount(2), Linux ≥ 5.2
//
//go:nosplit
//go:norace
func (c *child) mountWorkspace(fd uintptr) {
	const emptyPath = 0x4 // MOVE_MOUNT_F_EMPTY_PATH
	_, e := sys6(unix.SYS_MOVE_MOUNT, fd, uintptr(unsafe.Pointer(&noPath)), at(unix.AT_FDCWD),
		uintptr(unsafe.Pointer(&workPath)), emptyPath, 0)
	if e != 0 {
		c.fail(initproto.StepWorkspace, 0, e)
	}
	sys3(unix.SYS_CLOSE, fd, 0, 0)
}

var noPath, workPath = [1]byte{0}, [6]byte{'/', 'w', 'o', 'r', 'k', 0}
