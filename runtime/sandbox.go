package runtime

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
)

// flushTime bounds how long the end of a process, and of a sandbox, waits for slow event sinks.
const flushTime = 2 * time.Second

// Sandbox is a started sandbox. It runs any number of processes, one after another or at the same
// time. They share its files, its network and its process table. If a process exceeds a limit, or a
// rule kills it, the sandbox ends.
type Sandbox struct {
	ID string

	spec      Spec
	opts      options
	fanout    *monitor.Fanout
	isolation isolation
	setupTime time.Duration
	now       atomic.Pointer[policies.Policy] // spec.Policy, maybe with changed limits

	starting sync.RWMutex // held while a program starts; Pause waits for that
	paused   bool         // with starting

	mu      sync.Mutex
	next    int
	running map[int]*Process // processes without a result yet
	cells   map[*Cell]bool   // cells that are not started yet
	alive   int              // cells
	stopped stopped
	closed  bool
	close   sync.Once
	err     error
}

// stopped says why all processes of a sandbox were killed, and which process gets this status.
type stopped struct {
	why Status // "": not stopped
	by  *Process
}

// Start starts a sandbox. ctx only bounds the start. After an error nothing is left on the host.
// The error names the step, and Hint(err) returns the remedy.
func Start(ctx context.Context, spec Spec) (*Sandbox, error) {
	return start(ctx, spec, options{})
}

func start(ctx context.Context, spec Spec, opts options) (*Sandbox, error) {
	began := time.Now()
	s := &Sandbox{ID: state.NewID(), spec: spec, opts: opts, running: map[int]*Process{},
		cells: map[*Cell]bool{}}
	s.now.Store(spec.Policy)
	s.fanout = monitor.NewFanout(spec.Sinks...) // first: it owns the sinks, whatever happens
	err := s.check()
	if err == nil {
		s.isolation, err = s.isolate(ctx)
	}
	if err != nil {
		s.closeSinks()
		return nil, err
	}
	s.setupTime = time.Since(began)
	return s, nil
}

// policy returns the sandbox's policy, with the current limits.
func (s *Sandbox) policy() *policies.Policy { return s.now.Load() }

// check refuses a spec with which no process could be started.
func (s *Sandbox) check() error {
	if err := checkSpec(s.spec); err != nil {
		return err
	}
	_, err := monitor.New(monitor.Config{Fanout: s.fanout, Rules: s.policy().Rules})
	return err
}

func (s *Sandbox) isolate(ctx context.Context) (isolation, error) {
	if s.policy().Isolation == policies.IsolationNone {
		return newBare(), nil
	}
	return startContained(ctx, s)
}

func (s *Sandbox) closeSinks() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	s.fanout.Close(ctx)
}

// Start starts a program. It returns when execve(2) has succeeded. A failed start, such as that of
// a misspelt command, affects nothing else. When ctx ends, the process is killed, and its
// Result.Err is ctx's cause.
func (s *Sandbox) Start(ctx context.Context, cmd Command) (*Process, error) {
	if len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return nil, hint.Errorf("Command.Args[0] names the program", "no command")
	}
	if s.spec.Cells > 0 {
		return nil, errMixed
	}
	if len(cmd.Files) > 0 || cmd.Hold || cmd.Workspace != nil {
		return nil, hint.Errorf("use Spec.Files or the policy's mounts, or a cell",
			"Command.Files, Command.Hold and Command.Workspace are for cells")
	}
	s.starting.RLock()
	defer s.starting.RUnlock()
	if s.paused {
		return nil, errPaused
	}
	p, err := s.register(cmd, s.isolation.spawn)
	if err != nil {
		return nil, err
	}
	return s.run(ctx, p)
}

// run starts a registered process.
func (s *Sandbox) run(ctx context.Context, p *Process) (*Process, error) {
	started := false
	defer func() { // also when BeforeExec panics: Close would wait for the process
		if !started {
			p.once.Do(func() {}) // so that Close makes no result for it
			close(p.done)
			s.forget(p)
			p.giveSinksBack()
		}
	}()
	if err := p.start(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = errors.Join(cause, err)
		}
		return nil, err
	}
	started = true
	return p, nil
}

func (s *Sandbox) register(cmd Command, spawn spawner) (*Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stopped.why != "" {
		return nil, ErrClosed
	}
	s.next++
	p := newProcess(s, s.next, cmd, spawn)
	s.running[p.number] = p
	return p, nil
}

func (s *Sandbox) forget(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, p.number)
}

// stop kills everything in the sandbox, because nobody can distinguish what one process did from
// what others did. The results have the first reason.
func (s *Sandbox) stop(by *Process, why Status) {
	s.mu.Lock()
	if s.stopped.why == "" {
		s.stopped = stopped{why, by}
	}
	s.mu.Unlock()
	s.isolation.kill()
}

func (s *Sandbox) whyStopped() stopped {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// Done is closed when nothing can run in the sandbox any more: after Close, after a limit has ended
// it, or after its PID 1 was killed.
func (s *Sandbox) Done() <-chan struct{} { return s.isolation.gone() }

// Close kills running processes, waits for their end, and removes the sandbox from the host. It may
// be called more than once. Wait still returns results afterwards.
func (s *Sandbox) Close() error {
	s.close.Do(func() {
		s.mu.Lock()
		s.closed = true
		var all []*Process
		for _, p := range s.running {
			all = append(all, p)
		}
		var cells []*Cell
		for c := range s.cells {
			cells = append(cells, c)
		}
		s.mu.Unlock()
		s.isolation.end()
		for _, c := range cells {
			_ = c.Close()
		}
		for _, p := range all {
			p.settle()
		}
		s.err = s.isolation.close()
		s.closeSinks()
	})
	return s.err
}

// Run starts a sandbox, runs one program in it to its end, and removes the sandbox. When ctx ends,
// the run ends. An error means that mcpbox failed; a failure of the program is a Result.
func Run(ctx context.Context, spec Spec, cmd Command) (*Result, error) {
	return run(ctx, spec, cmd, options{})
}

func run(ctx context.Context, spec Spec, cmd Command, opts options) (*Result, error) {
	box, err := start(ctx, spec, opts)
	if err != nil {
		return nil, err
	}
	p, err := box.Start(ctx, cmd)
	if err != nil {
		_ = box.Close()
		return nil, err
	}
	res, err := p.Wait()
	if closeErr := box.Close(); err == nil {
		err = closeErr
	}
	return res, err
}

// isolation is the place where a sandbox starts its processes: a container, or the host itself
// (policy none).
type isolation interface {
	// idMap is the kind of id map, "" for none.
	idMap() string
	// spawn is a spawner.
	spawn(ctx context.Context, p *Process, streams *stdio.Streams) error
	// kill ends every process. It does not wait.
	kill()
	// gone is closed when nothing can run any more.
	gone() <-chan struct{}
	// end kills every process and waits for their ends.
	end()
	// close removes what there is on the host, after end.
	close() error
}

// spawner prepares a process's program, up to its execve. It sets the process's layers, and its
// child before anything can end the child.
type spawner func(ctx context.Context, p *Process, streams *stdio.Streams) error

// child is a program that waits for its execve, and then runs.
type child interface {
	exec(ctx context.Context) error
	signal(sig unix.Signal, group bool) error
	alone() bool  // only its own processes end with it
	kill()        // kills the program, and with it everything that it started
	wait() *exit  // waits for its end; nil: it was killed with the whole sandbox
	release()     // waits for its last events, and frees its resources
	root() string // the path on the host of its root
	usage() cgroups.Usage
	limits() map[string]LimitState
	terminal() *os.File // the outside end of its pty, or nil
	// countFromNow excludes the usage so far, and returns the program's own CPU time so far.
	countFromNow() time.Duration
}

// exit is how a program ended.
type exit struct {
	status unix.WaitStatus
	waited cgroups.Usage // of it and its waited-for children, by wait4(2)
}
