package runtime

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
)

// ErrPaused means that the sandbox is paused.
var ErrPaused = errors.New("the sandbox is paused")

var errPaused = hint.Wrap(ErrPaused, "resume it first")

var errNoPause = hint.Errorf("start a separate sandbox: Spec.Cells 0, and a policy other than none",
	"only a sandbox of processes can be paused or changed")

// adjustable returns the sandbox's container, if it can be paused and changed while it runs.
func (s *Sandbox) adjustable() (*contained, error) {
	c, ok := s.isolation.(*contained)
	if !ok || s.spec.Cells > 0 {
		return nil, errNoPause
	}
	return c, nil
}

// Pause stops every program in the sandbox, and returns when all have stopped. Their time limits
// stop, too. Until Resume, no program can be started. With cgroup v2 it uses cgroup.freeze, which
// programs do not notice. Otherwise it uses SIGSTOP, which parents inside can see.
func (s *Sandbox) Pause(ctx context.Context) error {
	c, err := s.adjustable()
	if err != nil {
		return err
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.paused {
		return nil
	}
	if err := c.freeze(ctx, true); err != nil {
		_ = c.freeze(context.WithoutCancel(ctx), false)
		return hint.Wrap(setupError("pause", err),
			"try again; a process may wait for a slow device")
	}
	s.paused = true
	for _, p := range s.processes() {
		p.holdTimer(true)
	}
	return nil
}

// Resume lets the programs continue. Without cgroup v2, programs that were already stopped before
// Pause continue as well.
func (s *Sandbox) Resume(ctx context.Context) error {
	c, err := s.adjustable()
	if err != nil {
		return err
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	if !s.paused {
		return nil
	}
	if err := c.freeze(ctx, false); err != nil {
		return setupError("resume", err)
	}
	s.paused = false
	for _, p := range s.processes() {
		p.holdTimer(false)
	}
	return nil
}

// isPaused does not wait for a Pause that has just begun.
func (s *Sandbox) isPaused() bool {
	if !s.starting.TryRLock() {
		return true
	}
	defer s.starting.RUnlock()
	return s.paused
}

func (c *contained) freeze(ctx context.Context, on bool) error {
	switch {
	case c.group != nil:
		return c.group.Freeze(ctx, on)
	case on:
		return watchdog.Stop(ctx, c.container.PID)
	}
	return watchdog.Continue(ctx, c.container.PID)
}

func (s *Sandbox) processes() (out []*Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.running {
		out = append(out, p)
	}
	return out
}

// CutNetwork ends every connection of the sandbox to the outside, and every connection from outside
// to its published ports. It prevents new ones. With the host's network it does nothing.
func (s *Sandbox) CutNetwork() {
	c, err := s.adjustable()
	if err != nil {
		return
	}
	c.network.close()
	for _, in := range c.inwards {
		in.Close()
	}
}

func (s *Sandbox) quarantines() bool {
	_, err := s.adjustable()
	return err == nil && s.spec.Quarantine != nil
}

// quarantine stops the sandbox and keeps its state. If it can't be stopped, it is ended.
func (s *Sandbox) quarantine(by *Process, e monitor.Event) {
	if err := s.Pause(context.Background()); err != nil {
		by.stop(StatusViolation)
		return
	}
	s.CutNetwork()
	s.spec.Quarantine(e)
}

// SetLimits changes limits while the sandbox runs, and returns the limits that are in force. Zero
// keeps a limit unchanged. Memory, PIDs and Timeout can be changed, with cgroup v2 also CPUs.
// Without cgroup v2, PIDs can only be lowered, because the kernel's own limit stays. A program that
// exceeds a new limit is ended.
func (s *Sandbox) SetLimits(l policies.Limits) (map[string]LimitState, error) {
	c, err := s.adjustable()
	if err != nil {
		return nil, err
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	next := *s.policy()
	if next.Limits, err = c.changed(next.Limits, l); err != nil {
		return nil, err
	}
	if c.group != nil {
		if err := c.group.SetLimits(next.Limits); err != nil {
			return nil, setupError("limits", err)
		}
	}
	s.now.Store(&next)
	var errs []error
	for _, p := range s.processes() {
		if k, ok := p.child.(*cell); ok {
			errs = append(errs, k.tree.set(next.Limits))
		}
		p.setTimer()
	}
	enforced := func(name string) bool {
		if c.group == nil {
			return false
		}
		reason, ok := c.group.Enforced()[name]
		return ok && reason == ""
	}
	return limitStates(next.Limits, enforced), errors.Join(errs...)
}

// changed returns old with the limits that l sets, if they can be changed here.
func (c *contained) changed(old, l policies.Limits) (policies.Limits, error) {
	fixed := l.CPUTime != 0 || l.Disk != 0 || l.FileSize != 0 || l.OpenFiles != 0 ||
		l.Output != 0 || l.IOWeight != 0 || len(l.IO) > 0
	cgroup := c.group != nil
	switch {
	case fixed:
		return old, hint.Errorf("memory, pids, cpus and timeout can be changed",
			"a limit that can't be changed while the sandbox runs")
	case l.CPUs > 0 && !cgroup:
		return old, hint.Errorf("use a host with cgroup v2", "cpus can't be changed here")
	case l.PIDs > old.PIDs && old.PIDs > 0 && !cgroup:
		return old, hint.Errorf("use a host with cgroup v2", "pids can't be raised here")
	}
	if l.Memory > 0 {
		old.Memory = l.Memory
	}
	if l.PIDs > 0 {
		old.PIDs = l.PIDs
	}
	if l.CPUs > 0 {
		old.CPUs = l.CPUs
	}
	if l.Timeout > 0 {
		old.Timeout = l.Timeout
	}
	return old, nil
}

// clock is a process's time limit. It stops while the sandbox is paused.
type clock struct {
	timer *time.Timer
	held  time.Time     // when it was stopped; zero: it runs
	lost  time.Duration // how long it was stopped before
}

// setTimer starts or changes the time limit.
func (p *Process) setTimer() {
	limit := time.Duration(p.box.policy().Limits.Timeout)
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit <= 0 || p.began.IsZero() || !p.clock.held.IsZero() {
		return
	}
	if p.clock.timer != nil {
		p.clock.timer.Stop()
	}
	p.clock.timer = time.AfterFunc(limit-time.Since(p.began)+p.clock.lost, p.onTimeout)
}

func (p *Process) stopTimer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clock.timer != nil {
		p.clock.timer.Stop()
	}
}

func (p *Process) holdTimer(on bool) {
	p.stopTimer()
	p.mu.Lock()
	if on {
		p.clock.held = time.Now()
	} else {
		p.clock.lost += time.Since(p.clock.held)
		p.clock.held = time.Time{}
	}
	p.mu.Unlock()
	if !on {
		p.setTimer()
	}
}

// Resize sets the window size of the process's pty. The kernel sends SIGWINCH.
func (p *Process) Resize(rows, cols uint16) error {
	master := p.child.terminal()
	if master == nil {
		return hint.Errorf("start it with a TTY", "the process has no terminal")
	}
	conn, e := master.SyscallConn()
	if e != nil {
		return os.ErrProcessDone
	}
	failed := conn.Control(func(fd uintptr) {
		e = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	})
	return errors.Join(e, failed)
}

// Traffic returns how many bytes the process has sent and received so far, over connections that
// its policy allows by name. -1 means unknown, because the process has the host's network.
func (p *Process) Traffic() (sent, received int64) {
	switch p.box.policy().Network.Mode {
	case policies.NetworkHost:
		return -1, -1
	case policies.NetworkAllow:
	default:
		return 0, 0
	}
	for _, f := range p.reached.List() {
		sent, received = sent+f.Sent, received+f.Received
	}
	if k, ok := p.child.(*cell); ok {
		s, r := k.network.traffic(p)
		sent, received = sent+s, received+r
	}
	return sent, received
}
