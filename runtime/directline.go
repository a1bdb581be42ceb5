package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/control"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
)

// directLine talks directly to a cell that was built before its call. mcpbox-init takes no part in
// the call.
type directLine struct {
	cell    *Cell
	command Command
	streams *stdio.Streams
	body    *initproto.SpawnBody // for error messages
	made    []string             // also for error messages: folders and files of the cell
	root    *rootfs.Plan         // also for error messages
	slave   *os.File             // of a terminal, until it is passed on
}

// lock gives the cell its call, if the last layers come with it.
func (l *directLine) lock(ctx context.Context, streams *stdio.Streams) (out locked, err error) {
	l.streams = streams
	if v := l.cell.verified; v != nil {
		out = locked{pidfd: int(l.cell.tool), verified: v}
	} else if out, err = l.lockOpen(ctx); err != nil {
		return locked{}, err
	}
	l.cell.tool = -1 // it now belongs to the process
	return out, nil
}

// lockOpen gives an open cell its call, and waits for the last layer.
func (l *directLine) lockOpen(ctx context.Context) (out locked, err error) {
	var master *os.File
	if l.command.TTY {
		if master, err = l.openTTY(); err != nil {
			return out, setupError("terminal", err)
		}
	}
	defer func() {
		l.slave.Close() // nil is refused
		if err != nil {
			master.Close()
		}
	}()
	if err := l.call(); err != nil {
		return out, err
	}
	record, _, err := receiveRecord(ctx, l.cell.call, 0)
	if err != nil {
		return out, err
	}
	if record.Step != 0 {
		return out, l.fault(record)
	}
	if err := l.cell.checkWorkspace(l.command.Workspace); err != nil {
		return out, err
	}
	out = lockedBy(record, l.cell.tool)
	out.master = master
	return out, nil
}

// call sends the call.
func (l *directLine) call() error {
	l.body, l.root = l.cell.c.program(l.command), l.cell.c.plan.root
	b := l.body
	files, n, err := l.files()
	if err != nil {
		return err
	}
	defer files.Close()
	call := initproto.Call{
		Dir:        b.Dir,
		Candidates: initproto.Candidates(b.Argv[0], b.Env),
		Args:       b.Argv,
		Env:        b.Env,
		Umask:      b.Umask,
		Files:      n,
		TTY:        l.command.TTY,
	}
	tree, err := l.workspace(&call)
	if err != nil {
		return err
	}
	defer tree.Close() // nil is refused
	data, err := call.Encode()
	if err != nil {
		return setupError("call", err)
	}
	fds := l.fds()
	if n > 0 {
		fds = append(fds, int(files.Fd()))
	}
	if tree != nil {
		fds = append(fds, int(tree.Fd()))
	}
	if err := sendOn(l.cell.call, data, fds...); err != nil {
		return setupError("call", err)
	}
	return nil
}

// files returns the policy's folders and the command's files in a memfd. The cell will create them.
func (l *directLine) files() (f *os.File, n int, err error) {
	plan := l.cell.c.plan.root
	files := wireFiles(l.command.Files)
	dirs, err := plan.PrivateFolders(l.cell.c.policy().Filesystem.Folders, files)
	if err != nil || len(dirs)+len(files) == 0 {
		return nil, 0, err
	}
	for _, d := range dirs {
		l.made = append(l.made, d.Path)
	}
	for _, f := range files {
		l.made = append(l.made, f.Path)
	}
	data, n, err := initproto.EncodeFiles(control.Setup(rootfs.Setup{Dirs: dirs, Files: files}))
	if err != nil {
		return nil, 0, setupError("files", err)
	}
	fd, err := unix.MemfdCreate("files", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, 0, setupError("files", os.NewSyscallError("memfd_create", err))
	}
	f = os.NewFile(uintptr(fd), "files")
	if _, err := f.WriteAt(data, 0); err != nil { // the cell reads it from its beginning
		f.Close()
		return nil, 0, setupError("files", err)
	}
	return f, n, nil
}

func (l *directLine) fault(r initproto.Record) error {
	f := faultOf(r)
	if i := int(f.Index); f.Step == initproto.StepFiles && i >= 0 && i < len(l.made) {
		return setupFault(f, l.made[i])
	}
	if f.Step == initproto.StepWorkspace {
		return fmt.Errorf("%w: %w", ErrWorkspace, f)
	}
	return l.cell.c.spawnErrorIn(l.root, f, l.body)
}

// sendOn sends one packet.
func sendOn(f *os.File, data []byte, fds ...int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		sent = unix.Sendmsg(int(fd), data, oob, nil, unix.MSG_NOSIGNAL)
		return sent != unix.EAGAIN
	})
	return errors.Join(err, sent)
}

// exec gives a cell that is locked already its call: it has nothing to do but execve.
func (l *directLine) exec(ctx context.Context) error {
	if l.cell.open {
		return letExec(ctx, l.cell.call, l.fault)
	}
	if err := l.call(); err != nil {
		return err
	}
	return awaitExec(ctx, l.cell.call, l.fault)
}

// letExec lets a child call execve.
func letExec(ctx context.Context, line *os.File, failure func(initproto.Record) error) error {
	if err := sendOn(line, []byte{1}); err != nil {
		return nil // it was killed meanwhile: wait returns how
	}
	return awaitExec(ctx, line, failure)
}

// awaitExec waits for execve, which closes the socket that the child has. A record is its failure.
func awaitExec(ctx context.Context, line *os.File, failure func(initproto.Record) error) error {
	record, _, err := receiveRecord(ctx, line, 0)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return failure(record)
}

func (l *directLine) wait() *exit {
	buf := make([]byte, initproto.ExitSize)
	if _, err := io.ReadFull(l.cell.exit, buf); err != nil {
		return nil
	}
	e, ok := initproto.ParseExit(buf)
	if !ok {
		return nil
	}
	return exitOf(&e)
}

func exitOf(e *initproto.Exit) *exit {
	u := cgroups.UnknownUsage()
	u.CPU = time.Duration(e.UserUsec+e.SysUsec) * time.Microsecond
	u.MemoryPeak = e.MaxRSSKiB << 10
	return &exit{unix.WaitStatus(e.Status), u}
}

// signalGroup uses the pidfd from Linux 6.9 on. On older kernels it uses the number, and only while
// the program exists: pidfd_send_signal(2)
func (l *directLine) signalGroup(k *cell, sig unix.Signal) error {
	const processGroup = 1 << 2 // PIDFD_SIGNAL_PROCESS_GROUP
	err := unix.PidfdSendSignal(k.pidfd, sig, nil, processGroup)
	if err != unix.EINVAL {
		return err
	}
	if err := pidfd(k.pidfd).signal(0); err != nil {
		return err
	}
	return unix.Kill(-k.pid, sig)
}

func (l *directLine) kill() { _ = l.cell.reaper.signal(unix.SIGKILL) }

func (l *directLine) alone() bool { return true }

func (l *directLine) hangUp() { l.cell.free() }

// pollable registers a descriptor with Go's poller, so that reads wait without a thread and have
// deadlines.
func pollable(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// receiveRecord reads a record and its descriptors, at most so many. The error is io.EOF if the
// other end is closed.
func receiveRecord(ctx context.Context, f *os.File, most int) (r initproto.Record, fds []int,
	err error) {
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := f.SyscallConn()
	if err != nil {
		return r, nil, err
	}
	buf, oob := make([]byte, initproto.RecordSize+1), make([]byte, unix.CmsgSpace(4*most))
	var n, oobn int
	var got error
	err = raw.Read(func(s uintptr) bool {
		n, oobn, _, _, got = unix.Recvmsg(int(s), buf, oob, unix.MSG_CMSG_CLOEXEC)
		return got != unix.EAGAIN && got != unix.EINTR
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return r, nil, context.Cause(ctx)
	case err != nil:
		return r, nil, err
	case got != nil && got != unix.ECONNRESET:
		return r, nil, os.NewSyscallError("recvmsg", got)
	case got != nil || n == 0:
		return r, nil, io.EOF
	}
	fds = rightsIn(oob[:oobn])
	r, ok := initproto.ParseRecord(buf[:n])
	if !ok {
		initproto.CloseAll(fds)
		return r, nil, unix.EBADMSG
	}
	return r, fds, nil
}

// rightsIn returns the descriptors of a control message.
func rightsIn(oob []byte) []int {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return nil
	}
	fds, _ := syscall.ParseUnixRights(&messages[0]) // of another kind of message: none
	return fds
}

func faultOf(r initproto.Record) initproto.Fault {
	return initproto.Fault{Step: initproto.Step(r.Step), Index: r.Index,
		Errno: syscall.Errno(r.Errno)}
}
