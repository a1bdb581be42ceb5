package pool

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/runtime"
)

// shelf is what the pool has for one policy.
type shelf struct {
	pool   *Pool
	key    key
	ctx    context.Context // of what is built ahead
	cancel context.CancelFunc
	kick   chan struct{} // something was taken: the builder looks
	use    demand

	mu     sync.Mutex
	boxes  []*box
	warm   []*cell // the oldest first
	taking int     // calls that are about to have a cell
	used   time.Time
	closed bool
	failed error // why the last cell could not be built ahead
	counts struct{ calls, waited, built uint64 }
	opened sync.Once

	starting sync.Mutex // one sandbox is started at a time: it has room for many
}

// box is a sandbox of cells. It is closed when it is retired and its last call has ended.
type box struct {
	*runtime.Sandbox
	shelf *shelf

	mu      sync.Mutex
	calls   int // cells that it has had
	live    int // cells that are built or running
	retired bool
}

// cell is a warm one.
type cell struct {
	*runtime.Cell
	from  *box
	built time.Time
}

// perBox is how many cells a sandbox has at once. Its PID 1 builds one at a time.
const perBox = 64

func newShelf(p *Pool, k key) *shelf {
	s := &shelf{pool: p, key: k, kick: make(chan struct{}, 1), used: time.Now()}
	s.ctx, s.cancel = context.WithCancel(p.ctx)
	return s
}

// take returns a warm cell, or builds one.
func (s *shelf) take(ctx context.Context) (*cell, error) {
	s.opened.Do(func() { s.pool.work.Go(s.build) })
	now := time.Now()
	s.mu.Lock()
	s.used = now
	s.taking++
	s.counts.calls++
	s.use.taken(now)
	var c *cell
	if n := len(s.warm); n > 0 {
		c, s.warm = s.warm[n-1], s.warm[:n-1] // the newest: its memory is the likeliest to be at hand
	} else {
		s.counts.waited++
	}
	s.mu.Unlock()
	defer s.taken()
	if c != nil {
		return c, nil
	}
	return s.newCell(ctx)
}

func (s *shelf) taken() {
	s.mu.Lock()
	s.taking--
	s.used = time.Now()
	s.mu.Unlock()
	s.wake()
}

func (s *shelf) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// prepare builds the first cell.
func (s *shelf) prepare(ctx context.Context) error {
	s.opened.Do(func() { s.pool.work.Go(s.build) })
	s.mu.Lock()
	ready := len(s.warm) > 0
	s.mu.Unlock()
	if ready {
		return nil
	}
	c, err := s.newCell(ctx)
	if err != nil {
		return err
	}
	s.put(c)
	return nil
}

// build keeps as many cells ready as the demand asks for.
func (s *shelf) build() {
	for {
		for s.wanting() {
			c, err := s.newCell(s.ctx)
			s.mu.Lock()
			s.failed = err
			s.mu.Unlock()
			if err != nil {
				break // the next call tries for itself, and has the error
			}
			s.put(c)
		}
		select {
		case <-s.kick:
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *shelf) wanting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && s.ctx.Err() == nil && len(s.warm) < s.target(time.Now())
}

// target is how many cells are to be ready.
func (s *shelf) target(now time.Time) int {
	return min(max(s.use.peak(now), s.pool.cfg.MinWarm), s.pool.cfg.MaxWarm)
}

func (s *shelf) put(c *cell) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.warm = append(s.warm, c)
	}
	s.mu.Unlock()
	if closed {
		c.Close()
		c.from.left()
	}
}

func (s *shelf) newCell(ctx context.Context) (*cell, error) {
	const attempts = 2
	var err error
	for range attempts {
		var b *box
		if b, err = s.roomIn(ctx); err != nil {
			return nil, err
		}
		var c *runtime.Cell
		if c, err = b.NewCell(ctx); err == nil {
			s.mu.Lock()
			s.counts.built++
			s.mu.Unlock()
			return &cell{Cell: c, from: b, built: time.Now()}, nil
		}
		b.left()
		if ctx.Err() != nil {
			return nil, err
		}
		s.retire(b)
	}
	return nil, err
}

func (s *shelf) room() *box {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		if b.claim(s.pool.cfg.Reuse) {
			return b
		}
	}
	return nil
}

// roomIn returns a sandbox with room for one more cell, which is claimed. It starts one if there is none.
func (s *shelf) roomIn(ctx context.Context) (*box, error) {
	if b := s.room(); b != nil {
		return b, nil
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	if b := s.room(); b != nil {
		return b, nil
	}
	spec := runtime.Spec{Policy: s.key.policy, BestEffort: s.key.bestEffort, Cells: perBox}
	if s.pool.cfg.Sinks != nil {
		spec.Sinks = s.pool.cfg.Sinks()
	}
	sandbox, err := runtime.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	b := &box{Sandbox: sandbox, shelf: s}
	b.claim(s.pool.cfg.Reuse)
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.boxes = append(s.boxes, b)
	}
	s.mu.Unlock()
	if closed {
		return nil, errors.Join(ErrClosed, sandbox.Close())
	}
	s.pool.work.Go(func() { // a sandbox that dies takes its warm cells along
		select {
		case <-sandbox.Done():
			s.retire(b)
		case <-s.ctx.Done():
		}
	})
	return b, nil
}
