package runtime

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
)

// Cell is a place for one program, built before its call. It shares nothing with other cells of its
// sandbox: it has its own namespaces of all kinds, its own storage, and, if the policy allows hosts
// by name, its own listeners and names. If its program exceeds a limit, or a rule kills it, only
// the cell ends. A cell serves one call and ends.
type Cell struct {
	box     *Sandbox
	c       *contained
	number  int
	tree    *tree
	pid     int      // of its reaper, in this namespace
	reaper  pidfd    // its PID 1
	tool    pidfd    // the process that becomes the program
	network *network // nil unless the policy allows hosts by name
	call    *os.File
	exit    *os.File
	taken   atomic.Bool

	open     bool      // the last layers come with the call
	verified *verified // nil if it is open
	sockets  *watchdog.Sockets
	segments int // the list of its shared memory, once the call has begun, or -1
	storage  int // a descriptor of its storage, or -1
}

// pidfd is a descriptor of a process, -1 when it is closed or passed on. pidfd_open(2)
type pidfd int

func (p pidfd) signal(sig unix.Signal) error { return unix.PidfdSendSignal(int(p), sig, nil, 0) }

// awaitEnd returns when the process has ended. If it is PID 1 of a namespace, all other processes
// of the namespace have ended, too.
func (p pidfd) awaitEnd() {
	fds := []unix.PollFd{{Fd: int32(p), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != unix.EINTR {
			return
		}
	}
}

// cellReaper is the number of tasks in a cell that do not belong to its program.
const cellReaper = 1

// ErrFull means that the sandbox has as many cells as its Spec allows.
var ErrFull = errors.New("the sandbox has no free cell")

var errMixed = hint.Errorf("set Spec.Cells for cells, 0 for processes",
	"a sandbox runs cells, or processes without cells")

// CheckCells returns an error if the policy has something that works in a sandbox but not in a
// cell. Start and package pool refuse such policies.
func CheckCells(p *policies.Policy) error {
	why := ""
	switch {
	case p.Isolation == policies.IsolationNone:
		why = "policy none has no cells"
	case len(p.Secrets) > 0:
		why = "secrets are read when a sandbox starts, not at the call"
	case len(p.Network.Publish) > 0:
		why = "ports are published from the sandbox's network namespace"
	case len(p.Filesystem.Hidden) > 0 && len(p.Filesystem.Mounts) > 0:
		why = "hidden paths in a bound folder are found when the sandbox starts, not at the call"
	default:
		if target := coveredInCells(p.Filesystem.Mounts); target != "" {
			why = "each cell has an empty folder of its own over the mount " + target
			break
		}
		own, err := ownFolders(p, "")
		if err != nil || len(own) == 0 {
			return err
		}
		why = "a bound folder contains mcpbox's own folder, which is hidden"
	}
	return hint.Errorf("start a sandbox for the call (Spec.Cells 0)", "no cells with policy %s: %s",
		p.Name, why)
}

// coveredInCells returns the first mount that a cell's own storage would cover.
func coveredInCells(mounts []policies.Mount) string {
	for _, own := range []string{"/tmp", rootfs.Work, rootfs.Home} {
		if slices.ContainsFunc(mounts, func(m policies.Mount) bool { return m.Target == own }) {
			continue
		}
		for _, m := range mounts {
			if strings.HasPrefix(m.Target, own+"/") {
				return m.Target
			}
		}
	}
	return ""
}

// NewCell builds a cell, in a sandbox whose Spec has Cells. Unless the cells are open, every layer
// is applied and verified before the call.
func (s *Sandbox) NewCell(ctx context.Context) (*Cell, error) {
	number, err := s.claimCell()
	if err != nil {
		return nil, err
	}
	c := s.isolation.(*contained) // CheckCells ensures that
	cell := &Cell{box: s, c: c, number: number, reaper: -1, tool: -1, open: s.spec.Open,
		storage: -1, segments: -1}
	if cell.tree, err = newTree(c.group, number, c.policy().Limits, cellReaper); err != nil {
		s.freeCell()
		return nil, setupError("cgroup", err)
	}
	cell.tree.segments, cell.tree.sockets = cell.sharedMemory, cell.itsSockets
	if err := cell.build(ctx); err != nil {
		cell.discard()
		return nil, err
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.cells[cell] = true
	}
	s.mu.Unlock()
	if closed {
		cell.discard()
		return nil, ErrClosed
	}
	return cell, nil
}

// claimCell reserves a number and a place.
func (s *Sandbox) claimCell() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.stopped.why != "":
		return 0, ErrClosed
	case s.spec.Cells == 0:
		return 0, errMixed
	case s.alive >= s.spec.Cells:
		return 0, ErrFull
	}
	s.next++
	s.alive++
	return s.next, nil
}

// freeCell frees a place.
func (s *Sandbox) freeCell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive--
}

func (cell *Cell) build(ctx context.Context) error {
	c := cell.c
	inbox := c.conn.Open(cell.number)
	defer inbox.Close()
	body := c.request(Command{}, cell.tree)
	body.Mounts, body.Open = c.freshMounts(), cell.open
	body.Keyring = c.keys()
	if byName(c.policy()) {
		body.Network = networkBody(c.policy().Network.ListenPorts())
	}
	var group []int
	if cell.tree.leaf != nil {
		group = append(group, cell.tree.leaf.FD())
	}
	m := initproto.Message{Kind: initproto.Build, Process: cell.number}
	if err := c.conn.Send(m, body, group...); err != nil {
		return setupError("build", err)
	}
	answer, err := inbox.Next(ctx)
	if err != nil {
		return err
	}
	if answer.Kind != initproto.Built || len(answer.FDs) != 3 {
		answer.Close()
		return &SetupError{Step: answer.Fault.Step.String(), Index: int(answer.Fault.Index),
			Err: answer.Fault.Errno}
	}
	cell.reaper = pidfd(answer.FDs[0])
	if cell.call, err = pollable(answer.FDs[1], "call"); err == nil {
		cell.exit, err = pollable(answer.FDs[2], "exit")
	}
	if err != nil {
		return setupError("build", err)
	}
	if cell.pid, err = verify.PIDOf(int(cell.reaper)); err != nil {
		return setupError("build", err)
	}
	if body.Network != nil {
		if err := cell.openNetwork(ctx); err != nil {
			return err
		}
	}
	report, err := cell.reports(ctx)
	if err != nil || cell.open {
		return err
	}
	return cell.lock(report)
}

// reports receives the tool's pidfd from the reaper and, unless the cell is open, the report of the
// tool's process that its last layer is on. They come in any order.
func (cell *Cell) reports(ctx context.Context) (locked initproto.Record, err error) {
	for isLocked := cell.open; cell.tool < 0 || !isLocked; {
		record, fds, err := receiveRecord(ctx, cell.call, 1)
		if err != nil {
			return locked, setupError("build", err)
		}
		switch {
		case record.Step != 0:
			initproto.CloseAll(fds)
			f := faultOf(record)
			return locked, &SetupError{Step: f.Step.String(), Index: int(f.Index), Err: f.Errno}
		case len(fds) == 1:
			cell.tool = pidfd(fds[0])
		default:
			locked, isLocked = record, true
		}
	}
	return locked, nil
}

// lock verifies all layers. Nothing can change them afterwards.
func (cell *Cell) lock(record initproto.Record) (err error) {
	if cell.verified, err = cell.c.verified(lockedBy(record, cell.tool), cell.tree); err != nil {
		return err
	}
	cell.tree.prepare(cell.pid, cell.verified.pid)
	if cell.storage, err = cell.c.storageOf(cell.verified.pid); err != nil {
		return setupError("storage", err)
	}
	return nil
}

// lockedBy is what a record says of the tool's process.
func lockedBy(r initproto.Record, tool pidfd) locked {
	return locked{pidfd: int(tool), listener: int(r.Listener), landlock: r.Landlock == 1}
}

// Start runs a program in the cell. It returns when execve(2) has succeeded. A cell can be started
// once; if that fails, the cell has ended. When ctx ends, the program is killed.
func (cell *Cell) Start(ctx context.Context, cmd Command) (*Process, error) {
	if len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return nil, hint.Errorf("Command.Args[0] names the program", "no command")
	}
	if (cmd.TTY || cmd.Workspace != nil) && !cell.open {
		return nil, hint.Errorf("set Spec.Open",
			"only the call of an open cell can have a terminal or a workspace")
	}
	if cell.taken.Swap(true) {
		return nil, ErrClosed
	}
	cell.box.dropCell(cell)
	p, err := cell.box.register(cmd, cell.spawn)
	if err != nil {
		cell.discard()
		return nil, err
	}
	return cell.box.run(ctx, p)
}

func (cell *Cell) spawn(ctx context.Context, p *Process, streams *stdio.Streams) error {
	k := newCell(cell.c, p, cell.network, cell.tree, &directLine{cell: cell, command: p.cmd})
	k.reaper, k.storage, k.ownStorage = cell.pid, cell.storage, cell.storage >= 0
	cell.storage = -1
	if streams != nil {
		k.reopening(streams.FDs(), nil)
	}
	cell.tree.countFromNow(0)
	return k.prepare(ctx, streams)
}

// Close ends a cell that was not started. Otherwise it does nothing.
func (cell *Cell) Close() error {
	if !cell.taken.Swap(true) {
		cell.box.dropCell(cell)
		cell.discard()
	}
	return nil
}

// discard ends a cell that no process uses.
func (cell *Cell) discard() {
	cell.free()
	cell.network.close()
	cell.box.freeCell()
	cell.tree.remove()
}

// free ends the cell and closes its descriptors.
func (cell *Cell) free() {
	if cell.reaper >= 0 {
		_ = cell.reaper.signal(unix.SIGKILL)
		cell.reaper.awaitEnd()
		unix.Close(int(cell.reaper))
		cell.reaper = -1
	}
	if cell.tool >= 0 {
		unix.Close(int(cell.tool))
		cell.tool = -1
		if cell.verified != nil {
			unix.Close(cell.verified.listener)
		}
	}
	cell.sockets.Close()
	cell.sockets = nil
	for _, fd := range []*int{&cell.storage, &cell.segments} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	for _, f := range []*os.File{cell.call, cell.exit} {
		if f != nil {
			f.Close()
		}
	}
}

// sharedMemory returns a descriptor of the list of the cell's own System V shared memory. The
// reaper has it once the call has begun; before that, and on a kernel without such memory, it is
// -1.
func (cell *Cell) sharedMemory() int {
	if cell.segments >= 0 || cell.reaper < 0 {
		return cell.segments
	}
	fd, err := unix.PidfdGetfd(int(cell.reaper), initproto.SegmentsFD, 0)
	if err != nil {
		return -1
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		unix.Close(fd) // the number still belongs to something else
		return -1
	}
	cell.segments = fd
	return fd
}

// itsSockets is like sharedMemory, for the sockets of the cell's own network namespace.
func (cell *Cell) itsSockets() *watchdog.Sockets {
	if cell.sockets != nil || cell.reaper < 0 ||
		cell.c.policy().Network.Mode == policies.NetworkHost {
		return cell.sockets
	}
	fd, err := unix.PidfdGetfd(int(cell.reaper), initproto.SocketsFD, 0)
	if err != nil {
		return nil
	}
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || family != unix.AF_NETLINK {
		unix.Close(fd) // the number still belongs to something else
		return nil
	}
	cell.sockets = watchdog.NewSockets(fd)
	return cell.sockets
}

func (s *Sandbox) dropCell(cell *Cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cells, cell)
}
