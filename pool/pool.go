package pool

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// Pool is safe for concurrent use.
type Pool struct {
	cfg    Config
	gate   *gate
	ctx    context.Context // of what is built ahead
	cancel context.CancelFunc
	work   sync.WaitGroup

	sessions sessions

	mu      sync.Mutex
	shelves map[key]*shelf
	closed  bool
}

// New makes an empty pool. Its first sandbox is started by the first call, or by Prepare.
func New(cfg Config) *Pool {
	cfg = cfg.withDefaults()
	p := &Pool{cfg: cfg, gate: newGate(cfg), shelves: map[key]*shelf{},
		sessions: sessions{open: map[sessionKey]*session{}}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.work.Go(p.tidy)
	return p
}

// begin counts a caller in, so that Close waits for it.
func (p *Pool) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.work.Add(1)
	return nil
}

// Prepare starts a sandbox for the policy, and returns when its first cell is ready.
func (p *Pool) Prepare(ctx context.Context, policy *policies.Policy) error {
	return p.PrepareProgram(ctx, policy, nil)
}

// PrepareProgram likewise, with a program that waits in the cell.
func (p *Pool) PrepareProgram(ctx context.Context, policy *policies.Policy,
	program *Program) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.work.Done()
	k, err := p.stock(Call{Policy: policy, Program: program})
	if err != nil {
		return err
	}
	return k.prepare(ctx)
}

// Enter waits for a turn, as a call does, for work that the pool can't do. leave gives the place
// back.
func (p *Pool) Enter(ctx context.Context, caller string) (leave func(), err error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	defer p.work.Done()
	return p.gate.enter(ctx, caller)
}

// Start starts a call's program. It returns when execve(2) has succeeded. A *BusyError says when to
// come back; other errors are runtime's. When ctx ends, the program is killed.
func (p *Pool) Start(ctx context.Context, call Call) (*runtime.Process, error) {
	process, _, err := p.admit(ctx, call)
	return process, err
}

// admit starts a call in its turn. ended gives back its place; that happens at its end, too.
func (p *Pool) admit(
	ctx context.Context,
	call Call,
) (process *runtime.Process, ended func(), err error) {
	if err := p.begin(); err != nil {
		return nil, nil, err
	}
	defer p.work.Done()
	leave, err := p.gate.enter(ctx, call.Caller)
	if err != nil {
		return nil, nil, err
	}
	process, from, err := p.start(ctx, call)
	if err != nil {
		leave()
		return nil, nil, err
	}
	ended = sync.OnceFunc(func() {
		from.left()
		leave()
	})
	p.work.Go(func() {
		<-process.Done()
		ended()
	})
	return process, ended, nil
}

// start tries more than once: a cell, its sandbox or its shelf may have come to an end while it
// waited.
func (p *Pool) start(
	ctx context.Context,
	call Call,
) (process *runtime.Process, from *box, err error) {
	const attempts = 3
	for range attempts {
		var k *stock
		if k, err = p.stock(call); errors.Is(err, ErrClosed) {
			continue
		} else if err != nil {
			return nil, nil, err
		}
		var c *cell
		if c, err = k.take(ctx); errors.Is(err, ErrClosed) {
			continue
		} else if err != nil {
			return nil, nil, err
		}
		if process, err = c.start(ctx, call); err == nil {
			return process, c.from, nil
		}
		c.from.left()
		if !mayPass(err) || ctx.Err() != nil {
			return nil, nil, err
		}
		if c.held == nil { // what ends a program that waits need not have to do with its sandbox
			k.shelf.retire(c.from)
		}
	}
	return nil, nil, err
}

// mayPass: it is not the command's own fault that the start failed.
func mayPass(err error) bool {
	var setup *runtime.SetupError
	if errors.As(err, &setup) {
		return setup.Step != runtime.StepFiles
	}
	return errors.Is(err, runtime.ErrClosed)
}

// Beside does work of the caller's in the background. Close ends its context, and waits for it.
// After Close it does nothing.
func (p *Pool) Beside(work func(context.Context)) {
	if p.begin() != nil {
		return
	}
	go func() {
		defer p.work.Done()
		work(p.ctx)
	}()
}

// Run runs a call to its end.
func (p *Pool) Run(ctx context.Context, call Call) (*runtime.Result, error) {
	process, ended, err := p.admit(ctx, call)
	if err != nil {
		return nil, err
	}
	defer ended()
	return process.Wait()
}

// key tells shelves apart.
type key struct {
	policy     *policies.Policy
	bestEffort bool
	open       bool // for calls with a workspace or a terminal
}

func (p *Pool) stock(call Call) (*stock, error) {
	if err := call.check(); err != nil {
		return nil, err
	}
	open := call.Command.Workspace != nil || call.Command.TTY
	s, err := p.shelf(call.Policy, call.BestEffort, open)
	if err != nil {
		return nil, err
	}
	return s.stock(call.Program)
}

func (p *Pool) shelf(policy *policies.Policy, bestEffort, open bool) (*shelf, error) {
	if policy == nil {
		return nil, hint.Errorf(`policies.Preset("standard") is one`,
			"a call needs a policy: Call.Policy is nil")
	}
	if err := runtime.CheckCells(policy); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	k := key{policy, bestEffort || p.cfg.BestEffort, open}
	s := p.shelves[k]
	if s == nil {
		s = newShelf(p, k)
		p.shelves[k] = s
	}
	return s, nil
}

// tidy looks after what grows old.
func (p *Pool) tidy() {
	tick := time.NewTicker(min(p.cfg.Age, p.cfg.Idle, p.cfg.SessionIdle, p.cfg.SessionAge) / 4)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-tick.C:
			p.tidySessions(now)
			for _, s := range p.all() {
				if s.tidy(now) {
					p.drop(s)
				}
			}
		}
	}
}

func (p *Pool) all() (out []*shelf) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.shelves {
		out = append(out, s)
	}
	return out
}

func (p *Pool) drop(s *shelf) {
	p.mu.Lock()
	if p.shelves[s.key] == s {
		delete(p.shelves, s.key)
	}
	p.mu.Unlock()
	s.close()
}

// Close kills what runs and takes every sandbox down. Calls that wait get ErrClosed.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.gate.close()
	p.cancel()
	for _, s := range p.pull(func(sessionKey, *session) bool { return true }) {
		s.process.Kill()
	}
	var errs []error
	for _, s := range p.all() {
		errs = append(errs, s.close())
	}
	p.work.Wait()
	return errors.Join(errs...)
}
