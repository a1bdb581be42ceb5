package runtime

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
)

// Process is a started program with everything that it starts. When the program ends, its remaining
// processes are killed.
type Process struct {
	box      *Sandbox
	number   int // from 1
	cmd      Command
	recorder *monitor.Recorder
	streams  *stdio.Streams
	terminal *stdio.Terminal
	spawn    spawner
	child    child
	layers   Layers
	began    time.Time
	unwatch  func() bool // of the context
	hit      hits

	uncovered atomic.Bool  // a mask or a mount was lost for a moment
	reached   egress.Flows // by name

	mu       sync.Mutex
	canceled error  // why the caller's context ended it
	stopped  Status // why mcpbox ended it alone
	clock    clock
	waiting  waiting

	done   chan struct{} // it has ended, and what it had is freed
	exit   *exit         // after done
	took   time.Duration // after done
	once   sync.Once
	result *Result
}

func newProcess(s *Sandbox, number int, cmd Command, spawn spawner) *Process {
	return &Process{box: s, number: number, cmd: cmd, spawn: spawn, done: make(chan struct{})}
}

// start runs the command, up to its execve.
func (p *Process) start(ctx context.Context) (err error) {
	policy := p.box.policy()
	p.recorder, err = monitor.New(monitor.Config{Sandbox: p.box.ID, Policy: policy.Name,
		Sinks: p.cmd.Sinks, Fanout: p.box.fanout, Rules: policy.Rules, Respond: p.respond,
		Origin: p.cmd.Origin})
	if err != nil {
		return err
	}
	if !p.cmd.TTY {
		limits := stdio.Limits{Output: int64(policy.Limits.Output),
			FileSize: int64(policy.Limits.FileSize)}
		p.streams, err = stdio.Open(p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr, limits, p.onOutput)
		if err != nil {
			return err
		}
		defer p.streams.Passed()
	}
	if err := p.spawn(ctx, p, p.streams); err != nil {
		p.streams.Close()
		return err
	}
	if p.cmd.BeforeExec != nil {
		p.cmd.BeforeExec(p)
	}
	p.began, p.waiting.now = time.Now(), p.cmd.Hold
	if !p.waiting.now {
		p.setTimer()
	}
	if err := p.child.exec(ctx); err != nil {
		p.abandon()
		return err
	}
	if master := p.child.terminal(); master != nil {
		p.terminal = stdio.Attach(master, p.cmd.Stdin, p.cmd.Stdout)
	}
	p.unwatch = context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	if p.recorder.NeedsUsage() {
		go p.watchUsage()
	}
	go p.collect()
	return nil
}

// giveSinksBack leaves the command's sinks open for the caller, who may use them for another
// attempt.
func (p *Process) giveSinksBack() {
	if p.recorder == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	p.recorder.Detach(ctx)
}

// abandon frees a child that did not execute its program.
func (p *Process) abandon() {
	p.stopTimer()
	p.child.kill()
	p.child.release()
	p.streams.Close()
}

// cancel kills the process because its context has ended.
func (p *Process) cancel(cause error) {
	p.mu.Lock()
	p.canceled = cause
	p.mu.Unlock()
	p.child.kill()
}

// collect waits for the end and frees the process's resources.
func (p *Process) collect() {
	end := p.child.wait()
	p.waiting.Lock() // a call that comes now finds it ended
	p.exit, p.waiting.over = end, true
	p.took = time.Since(p.began)
	p.stopTimer()
	p.unwatch()
	p.waiting.Unlock()
	p.child.release()
	p.streams.Drain()
	p.terminal.Close()
	close(p.done)
}

// Done is closed when the process has ended and the caller has its last output. Record can still
// add events until somebody calls Wait.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process, and returns its result with all its events. It may be
// called more than once. The program's failure is a Result; an error means that mcpbox failed.
func (p *Process) Wait() (*Result, error) {
	p.settle()
	return p.result, nil
}

// settle makes the result, and closes the recorder.
func (p *Process) settle() {
	<-p.done
	p.once.Do(func() {
		if p.cmd.BeforeResult != nil {
			p.cmd.BeforeResult(p)
		}
		p.result = p.finish()
		p.box.forget(p)
	})
}

// Signal sends a signal to the program, but not to its children. SIGKILL also ends everything that
// it started.
func (p *Process) Signal(sig os.Signal) error {
	s, ok := sig.(unix.Signal)
	if !ok {
		return unix.EINVAL
	}
	return p.child.signal(s, false)
}

// SignalGroup sends a signal to the program's process group, as a terminal does.
func (p *Process) SignalGroup(sig os.Signal) error {
	s, ok := sig.(unix.Signal)
	if !ok {
		return unix.EINVAL
	}
	return p.child.signal(s, true)
}

// Kill ends the program and everything that it started. It does not wait; Done is closed after the
// end.
func (p *Process) Kill() { p.child.kill() }

// Layers returns the layers that were found on the process before it ran the program.
func (p *Process) Layers() Layers { return p.layers }

// Limits returns the limits with their backends.
func (p *Process) Limits() map[string]LimitState { return p.child.limits() }

// Root returns a path on the host that leads to the root of the process's file system, as long as
// the process runs.
func (p *Process) Root() string { return p.child.root() }

// Usage returns the usage of the process and its descendants so far. -1 means unknown.
func (p *Process) Usage() cgroups.Usage { return p.child.usage() }

// Record adds an event from the caller, such as a refused tool call. After Wait, events are only
// counted.
func (p *Process) Record(e monitor.Event) { p.recorder.Record(p.cmd.attributed(e)) }

func (p *Process) respond(a monitor.Action, e monitor.Event) {
	switch {
	case a == monitor.Alert:
	case a == monitor.Quarantine && p.box.quarantines():
		go p.box.quarantine(p, e)
	case a == monitor.Destroy && p.box.spec.Cells == 0:
		p.box.stop(p, StatusViolation)
	default:
		p.stop(StatusViolation)
	}
}

// stop ends the process for a reason that becomes its status. If its cell can't be ended alone, the
// sandbox ends. The first reason counts.
func (p *Process) stop(why Status) {
	if !p.child.alone() {
		p.box.stop(p, why)
		return
	}
	p.mu.Lock()
	if p.stopped == "" {
		p.stopped = why
	}
	p.mu.Unlock()
	p.child.kill()
}

// stopping returns why mcpbox has ended the process, or "".
func (p *Process) stopping() Status {
	if s := p.box.whyStopped(); s.by == p {
		return s.why
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}
