package runtime

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/reopen"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
	"github.com/mcpbox/mcpbox/seccomp"
)

// cell is a program in the nested namespaces that mcpbox-init makes for it.
type cell struct {
	c       *contained
	process *Process
	body    *initproto.SpawnBody
	inbox   chan packet
	tree    *tree
	pid     int // as this namespace sees it
	pidfd   int
	reopen  *reopen.Streams
	master  *os.File      // of its pty, or nil
	served  chan struct{} // the notify loop has ended
	ended   chan struct{} // wait has seen the end

	mu   sync.Mutex
	last *cgroups.Usage // after release
}

func (c *contained) spawn(ctx context.Context, p *Process, streams *stdio.Streams) (child, error) {
	k := &cell{c: c, process: p, inbox: c.open(p.number), pidfd: -1,
		served: make(chan struct{}), ended: make(chan struct{})}
	close(k.served)
	var err error
	if k.tree, err = newTree(c.group, p.number, c.policy().Limits); err != nil {
		c.closeInbox(p.number)
		return nil, setupError("cgroup", err)
	}
	k.body = c.request(p, k.tree)
	if c.box.opts.tamper != nil {
		c.box.opts.tamper(k.body)
	}
	locked, err := k.lock(ctx, streams)
	if err == nil {
		if err = k.admit(locked); err != nil {
			c.box.stop(p, StatusSetup) // a layer is not as it should be: nothing goes on here
		}
	} else {
		_ = k.signal(unix.SIGKILL, false) // should it be locked after all
	}
	if err == nil {
		err = c.box.opts.passed("admitted")
	}
	if err != nil {
		k.kill()
		k.release()
		return nil, err
	}
	return k, nil
}

// request is what mcpbox-init needs to know.
func (c *contained) request(p *Process, t *tree) *initproto.SpawnBody {
	cmd := p.cmd
	body := &initproto.SpawnBody{
		Argv: cmd.Args, Env: environment(c.policy().Environment, cmd), Dir: cmd.Dir, TTY: cmd.TTY,
		Umask: c.umask, OuterID: c.ids.Tool, ToolID: initproto.ToolID, CloneFlags: unix.CLONE_NEWCGROUP,
		Mounts: c.plan.Cell, Rlimits: t.rlimits(), Landlock: c.landlock,
		Filter: c.filter.Program(), FilterFlags: filterFlags(), InCgroup: t.leaf != nil,
	}
	if body.Dir == "" {
		body.Dir = "/work"
	}
	if cmd.TTY {
		body.Rows, body.Cols = stdio.WindowSize(cmd.Stdin)
	}
	return body
}

// filterFlags: a listener, and, from Linux 5.19, waiting calls that only a fatal signal interrupts. Each
// other signal would restart the call and count it as another refusal. seccomp(2)
var filterFlags = sync.OnceValue(func() uint {
	const waitKillable = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	// Without a program: EFAULT if the flags are known, EINVAL if not.
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags|waitKillable, 0)
	if e == unix.EFAULT {
		flags |= waitKillable
	}
	return uint(flags)
})

// lock sends the request and waits until the child has every layer on.
func (k *cell) lock(ctx context.Context, streams *stdio.Streams) (packet, error) {
	var fds []int
	if streams != nil {
		fds = streams.FDs()
		k.reopening(fds)
	}
	if k.tree.leaf != nil {
		fds = append(fds, k.tree.leaf.FD())
	}
	m := initproto.Message{Kind: initproto.Spawn, Process: k.process.number}
	if err := k.c.conn.Send(m, k.body, fds...); err != nil {
		return packet{}, setupError("spawn", err)
	}
	locked, err := k.c.await(ctx, k.inbox)
	if err != nil {
		return packet{}, err
	}
	if locked.Kind != initproto.Locked || len(locked.fds) < 1 {
		initproto.CloseAll(locked.fds)
		return packet{}, spawnError(locked.Fault, k.body, k.c.policy().Filesystem.Rootfs)
	}
	return locked, nil
}

// admit verifies the layers of the locked child, takes its listener and starts all watchers.
func (k *cell) admit(locked packet) error {
	k.pidfd = locked.fds[0]
	if locked.TTY && len(locked.fds) > 1 {
		k.master = os.NewFile(uintptr(locked.fds[1]), "pty")
	}
	if err := k.c.box.opts.passed("locked"); err != nil {
		return err
	}
	var err error
	if k.pid, err = pidOf(k.pidfd); err != nil {
		return setupError("verify", err)
	}
	if k.process.layers, err = k.verify(locked.Landlock); err != nil {
		return err
	}
	if locked.Listener < 0 {
		return setupError("seccomp", ErrLayer)
	}
	fd, err := unix.PidfdGetfd(k.pidfd, locked.Listener, 0)
	if err != nil {
		return setupError("seccomp listener", err)
	}
	k.serve(seccomp.NewListener(fd))
	go k.watchDisk()
	pid := k.pid
	if k.process.number > 1 {
		pid = 0 // this watch sees the sandbox whole: the first one may know its own tree only
	}
	return k.tree.start(k.c.container.PID, pid, k.process.breach)
}

// verify asks the kernel what holds for the child. landlocked is what the child proved on its canary.
func (k *cell) verify(landlocked bool) (Layers, error) {
	found, err := verify.Layers(k.pid, k.c.ids.ToolUID)
	if err != nil {
		return nil, err
	}
	if err := verify.Mounts(k.pid, k.c.plan); err != nil {
		return nil, err
	}
	found[policies.LayerLandlock] = landlocked
	p := k.c.policy()
	l := layersFrom(found)
	if p.Network.Mode == policies.NetworkHost && l[policies.LayerNetworkNamespace] == Absent {
		l[policies.LayerNetworkNamespace] = Off
	}
	l[policies.LayerCgroupLimits] = k.tree.cgroupLimits()
	if err := l.mandatory(); err != nil {
		return nil, err
	}
	if k.c.box.spec.BestEffort {
		return l, nil
	}
	return l, l.require(p)
}

// serve answers the listener until the last process of the cell has ended.
func (k *cell) serve(listener *seccomp.Listener) {
	guard := &guard{cell: k, execAllowed: k.c.filter.AllowsExec()}
	k.served = make(chan struct{})
	go func() {
		defer close(k.served)
		defer listener.Close()
		if _, err := listener.Serve(context.Background(), guard.decide); err != nil {
			// Its calls are refused all the same (ENOSYS, without a listener), but nobody reports them.
			k.c.box.stop(k.process, StatusSetup)
		}
	}()
}

// exec lets the child call execve.
func (k *cell) exec(ctx context.Context) error {
	m := initproto.Message{Kind: initproto.Release, Process: k.process.number}
	if err := k.c.conn.Send(m, nil); err != nil {
		return setupError("release", err)
	}
	told, err := k.c.await(ctx, k.inbox)
	if err != nil {
		if k.c.box.whyStopped().why != "" || errors.Is(err, ErrClosed) {
			return nil // released, and ended before it could be told: wait says how
		}
		return err
	}
	switch told.Kind {
	case initproto.Failed:
		return spawnError(told.Fault, k.body, k.c.policy().Filesystem.Rootfs)
	case initproto.Exited:
		k.inbox <- told // it was quicker than its Started: for wait
	}
	return nil
}

func (k *cell) wait() *exit {
	defer close(k.ended)
	for {
		m, err := k.c.await(context.Background(), k.inbox)
		if err != nil {
			return nil
		}
		initproto.CloseAll(m.fds)
		if e := m.Exit; e != nil {
			u := cgroups.UnknownUsage()
			u.CPU = time.Duration(e.UserUsec+e.SysUsec) * time.Microsecond
			u.MemoryPeak = e.MaxRSSKiB << 10
			return &exit{unix.WaitStatus(e.Status), u}
		}
	}
}

func (k *cell) signal(sig unix.Signal, group bool) error {
	m := initproto.Message{Kind: initproto.Signal, Process: k.process.number, Signal: int(sig), Group: group}
	return k.c.conn.Send(m, nil)
}

// kill ends the program. mcpbox-init then kills what is left of the cell.
func (k *cell) kill() {
	if k.tree.leaf != nil {
		_ = k.tree.leaf.Kill()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pidfd >= 0 {
		_ = unix.PidfdSendSignal(k.pidfd, unix.SIGKILL, nil, 0)
	}
}

func (k *cell) release() {
	select {
	case <-k.ended:
	default:
		close(k.ended) // it never ran
	}
	k.checkDisk()
	k.tree.stop()
	usage := k.tree.usage()
	k.mu.Lock()
	k.last = &usage
	if k.pidfd >= 0 {
		unix.Close(k.pidfd)
		k.pidfd = -1
	}
	k.mu.Unlock()
	<-k.served
	k.tree.remove()
	k.c.closeInbox(k.process.number)
}

func (k *cell) root() string { return "/proc/" + strconv.Itoa(k.pid) + "/root" }

func (k *cell) usage() cgroups.Usage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != nil {
		return *k.last
	}
	return k.tree.usage()
}

func (k *cell) limits() map[string]LimitState { return k.tree.states() }

func (k *cell) terminal() *os.File { return k.master }
