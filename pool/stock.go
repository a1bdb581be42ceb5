package pool

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/runtime"
)

// stock is what a shelf keeps ready of one kind: cells, or cells with a program that waits.
type stock struct {
	shelf   *shelf
	program *Program // nil: cells alone
	ctx     context.Context
	cancel  context.CancelFunc
	kick    chan struct{} // something was taken: the builder looks
	opened  sync.Once

	mu     sync.Mutex
	warm   []*cell // the oldest first
	use    demand
	used   time.Time
	taking int // calls that are about to have one
	closed bool
	failed error // why the last one could not be built ahead
	counts struct{ calls, waited, built uint64 }
}

// cell is a warm one.
type cell struct {
	*runtime.Cell
	held  *held // nil: no program
	from  *box
	built time.Time
}

// discard ends a cell that no call has.
func (c *cell) discard() {
	if c.held != nil {
		c.held.discard()
	} else {
		c.Close()
	}
	c.from.left()
}

// alive: its program has not ended meanwhile.
func (c *cell) alive() bool {
	if c.held == nil {
		return true
	}
	select {
	case <-c.held.Done():
		return false
	default:
		return true
	}
}

// start runs a call in the cell.
func (c *cell) start(ctx context.Context, call Call) (*runtime.Process, error) {
	if c.held == nil {
		return c.Start(ctx, call.Command)
	}
	if err := c.held.begin(ctx, call); err != nil {
		c.held.discard()
		return nil, err
	}
	return c.held.Process, nil
}

func newStock(s *shelf, p *Program) *stock {
	k := &stock{shelf: s, program: p, kick: make(chan struct{}, 1), used: time.Now()}
	k.ctx, k.cancel = context.WithCancel(s.ctx)
	return k
}

// take returns a warm cell, or builds one.
func (k *stock) take(ctx context.Context) (*cell, error) {
	k.opened.Do(func() { k.shelf.pool.work.Go(k.build) })
	now := time.Now()
	k.mu.Lock()
	k.used = now
	k.taking++
	k.counts.calls++
	k.use.taken(now)
	var c *cell
	var dead []*cell
	for c == nil && len(k.warm) > 0 {
		last := len(k.warm) - 1
		// The newest: its memory is the likeliest to be at hand.
		if c, k.warm = k.warm[last], k.warm[:last]; !c.alive() {
			dead, c = append(dead, c), nil
		}
	}
	if c == nil {
		k.counts.waited++
	}
	k.mu.Unlock()
	defer k.taken()
	for _, d := range dead {
		d.discard()
	}
	if c != nil {
		return c, nil
	}
	return k.newCell(ctx)
}

func (k *stock) taken() {
	k.mu.Lock()
	k.taking--
	k.used = time.Now()
	k.mu.Unlock()
	k.wake()
}

func (k *stock) wake() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// prepare builds the first cell.
func (k *stock) prepare(ctx context.Context) error {
	k.opened.Do(func() { k.shelf.pool.work.Go(k.build) })
	k.mu.Lock()
	ready := len(k.warm) > 0
	k.mu.Unlock()
	if ready {
		return nil
	}
	c, err := k.newCell(ctx)
	if err != nil {
		return err
	}
	k.put(c)
	return nil
}

// build keeps as many cells ready as the demand asks for.
func (k *stock) build() {
	for {
		for k.wanting() {
			c, err := k.newCell(k.ctx)
			k.mu.Lock()
			k.failed = err
			k.mu.Unlock()
			if err != nil {
				break // the next call tries for itself, and has the error
			}
			k.put(c)
		}
		select {
		case <-k.kick:
		case <-k.ctx.Done():
			return
		}
	}
}

func (k *stock) wanting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.closed && k.ctx.Err() == nil && len(k.warm) < k.target(time.Now())
}

// target is how many cells are to be ready.
func (k *stock) target(now time.Time) int {
	cfg := k.shelf.pool.cfg
	most := cfg.MaxWarm
	if k.program != nil {
		most = cfg.MaxHeld
	}
	return min(max(k.use.peak(now), cfg.MinWarm), most)
}

func (k *stock) put(c *cell) {
	k.mu.Lock()
	closed := k.closed
	if !closed {
		k.warm = append(k.warm, c)
	}
	k.mu.Unlock()
	if closed {
		c.discard()
	}
}

// newCell builds a cell, and starts its program.
func (k *stock) newCell(ctx context.Context) (*cell, error) {
	c, err := k.shelf.newCell(ctx)
	if err != nil {
		return nil, err
	}
	if k.program != nil {
		if c.held, err = hold(ctx, c.Cell, k.program); err != nil {
			c.from.left()
			return nil, err
		}
	}
	k.mu.Lock()
	k.counts.built++
	k.mu.Unlock()
	c.built = time.Now()
	return c, nil
}

// pull takes cells out.
func (k *stock) pull(which func(*cell) bool) (out []*cell) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.warm = slices.DeleteFunc(k.warm, func(c *cell) bool {
		if which(c) {
			out = append(out, c)
			return true
		}
		return false
	})
	return out
}

// tidy ends cells that have waited for too long, those beyond the demand, and those whose program
// has ended. idle: no call has come for long.
func (k *stock) tidy(now time.Time) (idle bool) {
	cfg := k.shelf.pool.cfg
	k.mu.Lock()
	excess := len(k.warm) - k.target(now)
	idle = now.Sub(k.used) > cfg.Idle && k.taking == 0
	k.mu.Unlock()
	old := k.pull(func(c *cell) bool {
		excess--
		return excess >= 0 || now.Sub(c.built) > cfg.Age || !c.alive()
	})
	for _, c := range old {
		c.discard()
	}
	if !idle {
		k.wake()
	}
	return idle
}

// close discards what is ready.
func (k *stock) close() {
	k.cancel()
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	for _, c := range k.pull(func(*cell) bool { return true }) {
		c.discard()
	}
}
