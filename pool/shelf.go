package pool

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/runtime"
)

// shelf is what the pool has for one policy: sandboxes, and stocks of cells in them.
type shelf struct {
	pool   *Pool
	key    key
	ctx    context.Context // of what is built ahead
	cancel context.CancelFunc

	mu     sync.Mutex
	boxes  []*box
	stocks map[*Program]*stock // nil: cells alone
	closed bool

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

// perBox is how many cells a sandbox has at once. Its PID 1 builds one at a time.
const perBox = 64

func newShelf(p *Pool, k key) *shelf {
	s := &shelf{pool: p, key: k, stocks: map[*Program]*stock{}}
	s.ctx, s.cancel = context.WithCancel(p.ctx)
	return s
}

// stock is that of a program.
func (s *shelf) stock(p *Program) (*stock, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	k := s.stocks[p]
	if k == nil {
		k = newStock(s, p)
		s.stocks[p] = k
	}
	return k, nil
}

func (s *shelf) all() (out []*stock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.stocks {
		out = append(out, k)
	}
	return out
}

func (s *shelf) wake() {
	for _, k := range s.all() {
		k.wake()
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

// roomIn returns a sandbox with room for one more cell, which is claimed. It starts one if there is
// none.
func (s *shelf) roomIn(ctx context.Context) (*box, error) {
	if b := s.room(); b != nil {
		return b, nil
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	if b := s.room(); b != nil {
		return b, nil
	}
	spec := runtime.Spec{Policy: s.key.policy, BestEffort: s.key.bestEffort, Cells: perBox,
		Open: s.key.open}
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
