package main

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// spawn starts a process in a new cell and reports it as locked: every layer is on, but execve was
// not called yet.
func (in *initProcess) spawn(number int, body []byte, fds []int) {
	var s initproto.SpawnBody
	if err := initproto.Decode(body, &s); err != nil || len(s.Argv) == 0 {
		in.fail(number, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	st := &start{in: in, number: number, body: &s}
	defer st.cleanup()
	if f := st.run(fds); f.Step != initproto.StepNone {
		in.fail(number, f)
	}
	if st.process != nil {
		st.process.untold.Done()
	}
}

// start is a spawn in progress. own holds descriptors to close at its end.
type start struct {
	in      *initProcess
	number  int
	body    *initproto.SpawnBody
	own     []int
	process *process // once it is forked
}

func (st *start) cleanup() { initproto.CloseAll(st.own) }

func (st *start) keep(fd int) int {
	st.own = append(st.own, fd)
	return fd
}

func (st *start) run(fds []int) initproto.Fault {
	c, err := prepare(st.body)
	if err != nil {
		return fault(initproto.StepBody, 0, err)
	}
	master := -1
	if st.body.TTY {
		var slave int
		if master, slave, err = openTTY(st.body.Rows, st.body.Cols); err != nil {
			return fault(initproto.StepTTY, 0, err)
		}
		st.keep(master)
		st.keep(slave)
		c.stdio = [3]int{slave, slave, slave}
	} else {
		if len(fds) < 3 {
			return initproto.Fault{Step: initproto.StepStdio, Errno: unix.EBADF}
		}
		c.stdio = [3]int(fds[:3])
		fds = fds[3:]
	}
	line, err := st.line(c)
	if err != nil {
		return fault(initproto.StepPipe, 0, err)
	}

	pidfd := int32(-1)
	args, f := st.cloneArgs(&pidfd, 0, fds)
	if f.Step != initproto.StepNone {
		unix.Close(c.gate)
		return f
	}

	// Under the lock, so that reap can't see the child's end before the child is in the table.
	st.in.mu.Lock()
	pid, errno := st.in.forkShared(&args, c)
	if errno != 0 {
		st.in.mu.Unlock()
		unix.Close(c.gate)
		return initproto.Fault{Step: initproto.StepClone, Errno: errno}
	}
	p := &process{number: st.number, pid: pid}
	p.untold.Add(1)
	st.process = p
	st.in.running[pid] = p
	st.in.mu.Unlock()
	st.keep(int(pidfd))
	unix.Close(c.gate) // ours would hold the line open after the child's end

	if err := writeIDMaps(pid, st.body.ToolID, st.body.OuterID); err != nil {
		st.in.abandon(p)
		return fault(initproto.StepIDMap, 0, err)
	}
	if _, err := unix.Write(line, []byte{1}); err != nil {
		st.in.abandon(p)
		return fault(initproto.StepPipe, 1, err)
	}
	var state locked
	state, f = readStatus(line)
	if f.Step != initproto.StepNone {
		st.in.abandon(p)
		return f
	}
	out := []int{int(pidfd), line}
	if master >= 0 {
		out = append(out, master)
	}
	m := initproto.Message{Kind: initproto.Locked, Process: st.number, PID: pid,
		Listener: state.listener, Landlock: state.landlock, TTY: master >= 0}
	if err := st.in.conn.Send(m, nil, out...); err != nil {
		st.in.abandon(p)
	}
	return initproto.Fault{}
}

// cloneArgs returns the arguments for a child in a cell. fds begin with its cgroup's descriptor, if
// it has one. The kernel writes pidfd.
func (st *start) cloneArgs(pidfd *int32, more uint64, fds []int) (cloneArgs, initproto.Fault) {
	args := cloneArgs{
		flags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_PIDFD |
			st.body.CloneFlags | more,
		pidfd:      uint64(uintptr(unsafe.Pointer(pidfd))),
		exitSignal: uint64(unix.SIGCHLD),
	}
	if st.body.InCgroup {
		if len(fds) < 1 {
			return args, initproto.Fault{Step: initproto.StepClone, Index: 1, Errno: unix.EBADF}
		}
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(fds[0])
	}
	return args, initproto.Fault{}
}

// line makes the socket that the child waits on and writes its record to. The other end is first
// ours, and then the supervisor's.
func (st *start) line(c *child) (int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	// Above the numbers that the child dup3s onto.
	high, err := unix.FcntlInt(uintptr(fds[1]), unix.F_DUPFD_CLOEXEC, highFD)
	unix.Close(fds[1])
	c.status, c.gate = high, high
	return st.keep(fds[0]), err
}

// abandon kills a child that was not locked yet. It is reaped like any orphan.
func (in *initProcess) abandon(p *process) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, ok := in.running[p.pid]; ok {
		delete(in.running, p.pid)
		unix.Kill(p.pid, unix.SIGKILL)
	}
}

// locked is a child's report before it waits.
type locked struct {
	listener int
	landlock bool // refused on the canary
}

// readStatus reads the child's record; EOF is StepDied.
func readStatus(fd int) (locked, initproto.Fault) {
	var r [5]int32
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(buf) {
			return locked{listener: -1}, initproto.Fault{Step: initproto.StepDied,
				Errno: unix.ECHILD}
		}
		return locked{int(r[3]), r[4] == 1}, initproto.Fault{Step: initproto.Step(r[0]),
			Index: r[1], Errno: syscall.Errno(r[2])}
	}
}

func writeIDMaps(pid, toolID, outerID int) error {
	line := []byte(strconv.Itoa(toolID) + " " + strconv.Itoa(outerID) + " 1\n")
	dir := "/proc/" + strconv.Itoa(pid)
	for _, f := range []struct {
		name string
		data []byte
	}{{"/setgroups", []byte("deny")}, {"/uid_map", line}, {"/gid_map", line}} {
		if err := writeFile(dir+f.name, 0, 0, f.data); err != nil {
			return err
		}
	}
	return nil
}

// prepare turns the request into data that the child can use without allocation.
func prepare(s *initproto.SpawnBody) (*child, error) {
	c := &child{tty: s.TTY, id: uintptr(s.ToolID), umask: uintptr(s.Umask), rlimits: s.Rlimits,
		capHdr: unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}}
	var err error
	str := func(text string) *byte {
		p, e := syscall.BytePtrFromString(text)
		if e != nil {
			err = e
		}
		return p
	}
	optional := func(text string) *byte {
		if text == "" {
			return nil
		}
		return str(text)
	}
	for _, a := range s.Argv {
		c.argv = append(c.argv, str(a))
	}
	c.argv = append(c.argv, nil)
	for _, e := range s.Env {
		c.envv = append(c.envv, str(e))
	}
	c.envv = append(c.envv, nil)
	if len(s.Argv) > 0 {
		for _, path := range initproto.Candidates(s.Argv[0], s.Env) {
			c.candidates = append(c.candidates, str(path))
		}
		c.command = command{argv: address(&c.argv[0]), envv: address(&c.envv[0]),
			count: len(c.candidates)}
	}
	c.root, c.dir, c.nsLimit = str(initproto.Root), str(s.Dir),
		str("/proc/sys/user/max_user_namespaces")
	c.command.dir = uintptr(unsafe.Pointer(c.dir))
	c.inotify, c.watches = str("/proc/sys/user/max_inotify_instances"),
		str("/proc/sys/user/max_inotify_watches")
	for _, m := range s.Mounts {
		c.mounts = append(c.mounts, rawMount{optional(m.Source), str(m.Target), optional(m.Type),
			optional(m.Data), uintptr(m.Flags), uintptr(m.Mkdir), m.Optional})
	}
	if l := s.Landlock; l != nil {
		r := &rawLandlock{attr: [3]uint64{l.HandledFS, l.HandledNet, l.Scoped}, size: 8,
			stdio: l.Stdio, canary: str(l.Canary)}
		if l.HandledNet != 0 {
			r.size = 16
		}
		if l.Scoped != 0 {
			r.size = 24
		}
		for _, rule := range l.Rules {
			r.rules = append(r.rules, rawRule{str(rule.Path), rule.Access, rule.Optional})
		}
		c.landlock = r
	}
	if len(s.Filter) > 0 {
		const size = int(unsafe.Sizeof(syscall.SockFilter{}))
		c.filter = &syscall.SockFprog{Len: uint16(len(s.Filter) / size),
			Filter: (*syscall.SockFilter)(unsafe.Pointer(&s.Filter[0]))}
		c.filterFlag = uintptr(s.FilterFlags)
	}
	return c, err
}

// address returns the address of a list as a number, because the child must not write pointers.
func address(first **byte) uintptr { return uintptr(unsafe.Pointer(first)) }
