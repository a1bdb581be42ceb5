package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/seccomp"
)

// Running is a started process.
type Running struct {
	box     *Sandbox
	number  int
	pid     int // as this namespace sees it
	command []string
	process Process
	tree    *tree
	inbox   chan packet
	layers  Layers
	master  *os.File // of the pty, or nil
	output  *outputMeter
	timer   *time.Timer
	began   time.Time
	served  chan struct{} // the notify loop has ended
	ended   chan struct{} // Wait has collected the end

	once   sync.Once
	result *Result
	err    error
	hit    hits
}

// Spawn starts a program in the sandbox. It returns when execve has succeeded.
func (s *Sandbox) Spawn(ctx context.Context, p Process) (_ *Running, err error) {
	if len(p.Args) == 0 {
		return nil, fmt.Errorf("no command")
	}
	s.mu.Lock()
	s.next++
	number := s.next
	s.mu.Unlock()
	r := &Running{box: s, number: number, command: p.Args, process: p, inbox: s.open(number), served: make(chan struct{}), ended: make(chan struct{})}
	close(r.served)
	if r.tree, err = newTree(s.group, number, s.spec.Policy.Limits); err != nil {
		return nil, &SetupError{Step: "cgroup", Index: -1, Err: err}
	}
	defer func() {
		if err != nil {
			r.abandon()
		}
	}()
	body := s.request(p, r.tree)
	tamper(body)
	locked, err := r.lock(ctx, p, body)
	if err != nil {
		return nil, err
	}
	if err := r.admit(locked); err != nil {
		return nil, err
	}
	if err := checkpoint("admitted"); err != nil {
		return nil, err
	}
	if p.Admitted != nil {
		p.Admitted(r)
	}
	if err := r.release(ctx, body); err != nil {
		return nil, err
	}
	return r, nil
}

// request is what mcpbox-init needs to know.
func (s *Sandbox) request(p Process, t *tree) *initproto.SpawnBody {
	body := &initproto.SpawnBody{
		Argv: p.Args, Env: environment(s.spec.Policy.Environment, p), Dir: p.Dir, TTY: p.TTY,
		Umask: s.umask, OuterID: s.ids.Tool, ToolID: initproto.ToolID, CloneFlags: unix.CLONE_NEWCGROUP,
		Mounts: s.plan.Cell, Rlimits: t.rlimits(), Landlock: s.landlock, Filter: s.filter.Program(), FilterFlags: filterFlags(),
		InCgroup: t.leaf != nil,
	}
	if body.Dir == "" {
		body.Dir = "/work"
	}
	if p.TTY {
		body.Rows, body.Cols = windowSize(p.Stdin)
	}
	return body
}

// filterFlags: a listener, and, from Linux 5.19, waiting calls that only a fatal signal interrupts: each other
// signal would restart the call and count it as another refusal. seccomp(2)
var filterFlags = sync.OnceValue(func() uint {
	const waitKillable = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	// Without a program: EFAULT if the flags are known, EINVAL if not.
	if _, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags|waitKillable, 0); e == unix.EFAULT {
		flags |= waitKillable
	}
	return uint(flags)
})

// lock sends the request and waits until the child has every layer on.
func (r *Running) lock(ctx context.Context, p Process, body *initproto.SpawnBody) (packet, error) {
	var fds []int
	if !p.TTY {
		stdio, err := r.stdio(p)
		if err != nil {
			return packet{}, err
		}
		defer stdio.close()
		fds = stdio.fds
	}
	if r.tree.leaf != nil {
		fds = append(fds, r.tree.leaf.FD())
	}
	if err := r.box.conn.Send(initproto.Message{Kind: initproto.Spawn, Process: r.number}, body, fds...); err != nil {
		return packet{}, &SetupError{Step: "spawn", Index: -1, Err: err}
	}
	m, err := r.box.await(ctx, r.inbox)
	if err != nil {
		return m, err
	}
	if m.Kind != initproto.Locked || len(m.fds) < 1 {
		initproto.CloseAll(m.fds)
		return m, spawnError(m.Fault, body, r.box.spec.Policy.Filesystem.Rootfs)
	}
	return m, nil
}

// admit verifies the layers of the locked child, takes its listener and starts all watchers.
func (r *Running) admit(locked packet) error {
	pidfd := locked.fds[0]
	defer unix.Close(pidfd)
	if locked.TTY && len(locked.fds) > 1 {
		r.master = os.NewFile(uintptr(locked.fds[1]), "pty")
	}
	if err := checkpoint("locked"); err != nil {
		return err
	}
	pid, err := pidOf(pidfd)
	if err != nil {
		return &SetupError{Step: "verify", Index: -1, Err: err}
	}
	r.pid = pid
	if r.layers, err = verify(pid, r.box.ids.ToolUID); err != nil {
		return err
	}
	if err := verifyMounts(pid, r.box.plan); err != nil {
		return err
	}
	r.completeLayers(locked.Landlock)
	if err := r.layers.mandatory(); err != nil {
		return err
	}
	if !r.box.spec.BestEffort {
		if err := r.layers.require(r.box.spec.Policy); err != nil {
			return err
		}
	}
	if locked.Listener < 0 {
		return &SetupError{Step: "seccomp", Index: -1, Err: ErrLayer}
	}
	fd, err := unix.PidfdGetfd(pidfd, locked.Listener, 0)
	if err != nil {
		return &SetupError{Step: "seccomp listener", Index: -1, Err: err}
	}
	listener := seccomp.NewListener(fd)
	guard := &guard{run: r, execAllowed: r.box.filter.AllowsExec()}
	r.served = make(chan struct{})
	go func() {
		defer close(r.served)
		defer listener.Close()
		listener.Serve(context.Background(), guard.decide)
	}()
	go r.watchDisk()
	if r.number > 1 {
		pid = 0 // this watch sees the sandbox whole: the first one may know its own tree only
	}
	return r.tree.start(r.box.container.PID, pid, r.breach)
}

// completeLayers adds what /proc does not tell: Landlock, proved by the child on its canary, and the cgroup.
func (r *Running) completeLayers(proved bool) {
	r.layers[policies.LayerLandlock] = Absent
	if proved {
		r.layers[policies.LayerLandlock] = Enforced
	}
	if r.box.spec.Policy.Network.Mode == policies.NetworkHost && r.layers[policies.LayerNetworkNamespace] == Absent {
		r.layers[policies.LayerNetworkNamespace] = Off
	}
	r.layers[policies.LayerCgroupLimits] = r.tree.cgroupLimits()
}

// release lets the child call execve.
func (r *Running) release(ctx context.Context, body *initproto.SpawnBody) error {
	r.began = time.Now()
	if t := time.Duration(r.box.spec.Policy.Limits.Timeout); t > 0 {
		r.timer = time.AfterFunc(t, r.onTimeout)
	}
	if err := r.box.conn.Send(initproto.Message{Kind: initproto.Release, Process: r.number}, nil); err != nil {
		return &SetupError{Step: "release", Index: -1, Err: err}
	}
	m, err := r.box.await(ctx, r.inbox)
	if err != nil {
		if r.box.stopReason() != "" || errors.Is(err, ErrClosed) {
			return nil // released, and ended before it could be told: Wait says how
		}
		return err
	}
	switch m.Kind {
	case initproto.Failed:
		return spawnError(m.Fault, body, r.box.spec.Policy.Filesystem.Rootfs)
	case initproto.Exited:
		r.inbox <- m // it was quicker than its Started: for Wait
	}
	return nil
}

// Signal sends a signal to the process (not to its children).
func (r *Running) Signal(sig unix.Signal) error {
	return r.box.conn.Send(initproto.Message{Kind: initproto.Signal, Process: r.number, Signal: int(sig)}, nil)
}

// SignalGroup sends a signal to the process and those of its children that have not left its process group, as a
// terminal does.
func (r *Running) SignalGroup(sig unix.Signal) error {
	return r.box.conn.Send(initproto.Message{Kind: initproto.Signal, Process: r.number, Signal: int(sig), Group: true}, nil)
}

// Layers is what was found on the process before it ran the tool.
func (r *Running) Layers() Layers { return r.layers }

// Root is a path of the host under which the process's file system is seen as it sees it, for as long as it runs.
func (r *Running) Root() string { return "/proc/" + strconv.Itoa(r.pid) + "/root" }

// Usage is what the process and its descendants have used so far.
func (r *Running) Usage() cgroups.Usage { return r.tree.usage() }

// Limits names the backend of every limit.
func (r *Running) Limits() map[string]LimitState { return r.tree.states() }

// Terminal is the outside end of the pty, or nil.
func (r *Running) Terminal() *os.File { return r.master }

// Wait returns when the process has ended. Its descendants live on until the sandbox is closed.
func (r *Running) Wait() (*Result, error) {
	r.once.Do(func() {
		var exit *initproto.Exit
		for exit == nil {
			m, err := r.box.await(context.Background(), r.inbox)
			if err != nil {
				break
			}
			initproto.CloseAll(m.fds)
			exit = m.Exit
		}
		close(r.ended)
		r.result, r.err = r.finish(exit)
	})
	return r.result, r.err
}

func (r *Running) abandon() {
	if r.timer != nil {
		r.timer.Stop()
	}
	close(r.ended)
	r.box.stop(StatusSetup)
	<-r.served
	r.tree.stop()
	r.tree.remove()
	r.output.close()
	if r.master != nil {
		r.master.Close()
	}
}
