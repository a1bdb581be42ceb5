package main

import (
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// build makes a cell whose command is not known yet, and sends its descriptors to the supervisor.
func (in *initProcess) build(number int, body []byte, fds []int) {
	var s initproto.SpawnBody
	if err := initproto.Decode(body, &s); err != nil {
		in.fail(number, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	st := &start{in: in, number: number, body: &s}
	defer st.cleanup()
	if f := st.buildCell(fds); f.Step != initproto.StepNone {
		in.fail(number, f)
	}
}

func (st *start) buildCell(fds []int) initproto.Fault {
	c, err := prepare(st.body)
	if err != nil {
		return fault(initproto.StepBody, 0, err)
	}
	call, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fault(initproto.StepPipe, 0, err)
	}
	ours := st.keep(call[0])
	var exit [2]int
	if err := unix.Pipe2(exit[:], unix.O_CLOEXEC); err != nil {
		unix.Close(call[1])
		return fault(initproto.StepPipe, 1, err)
	}
	st.keep(exit[0])
	theirs, exitEnd := st.high(call[1]), st.high(exit[1])
	if theirs < 0 || exitEnd < 0 {
		return initproto.Fault{Step: initproto.StepPipe, Index: 2, Errno: unix.EMFILE}
	}
	c.status, c.gate = theirs, theirs
	area, err := newCallArea()
	if err != nil {
		return fault(initproto.StepPipe, 4, err)
	}
	defer area.free()
	c.warm = &warm{call: theirs, exit: exitEnd, area: area, open: st.body.Open,
		keyring:  st.body.Keyring,
		loopback: st.body.CloneFlags&unix.CLONE_NEWNET != 0}
	if st.body.Network != nil {
		c.warm.network = newNetwork(st.body.Network)
	}
	pidfd := int32(-1)
	args, f := st.cloneArgs(&pidfd, unix.CLONE_NEWPID, fds)
	if f.Step != initproto.StepNone {
		return f
	}
	st.in.mu.Lock()
	pid, errno := fork(&args, c)
	if errno != 0 {
		st.in.mu.Unlock()
		return initproto.Fault{Step: initproto.StepClone, Errno: errno}
	}
	st.in.running[pid] = &process{number: st.number, pid: pid, warm: true}
	st.in.mu.Unlock()
	st.keep(int(pidfd))
	if err := writeIDMaps(pid, st.body.ToolID, st.body.OuterID); err != nil {
		unix.Kill(pid, unix.SIGKILL)
		return fault(initproto.StepIDMap, 0, err)
	}
	if _, err := unix.Write(ours, []byte{1}); err != nil {
		unix.Kill(pid, unix.SIGKILL)
		return fault(initproto.StepPipe, 3, err)
	}
	m := initproto.Message{Kind: initproto.Built, Process: st.number, PID: pid}
	if err := st.in.conn.Send(m, nil, int(pidfd), ours, exit[0]); err != nil {
		unix.Kill(pid, unix.SIGKILL)
	}
	return initproto.Fault{}
}

// high moves a descriptor above the numbers that the child uses as targets of dup3, and keeps it
// until the end. It returns -1 if no number is free.
func (st *start) high(fd int) int {
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, highFD)
	unix.Close(fd)
	if err != nil {
		return -1
	}
	return st.keep(moved)
}
