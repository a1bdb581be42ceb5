package pool

import (
	"context"
	"sync"
	"time"
)

// gate admits calls: a bounded number at once, and those that wait in turn, caller by caller.
type gate struct {
	live, perCaller, queue int
	wait                   time.Duration

	mu      sync.Mutex
	running int
	of      map[string]int // running, by caller
	waiting int
	turns   []*line       // callers with waiting calls, the next one first
	took    time.Duration // how long calls take, a moving average
	refused uint64
	closed  bool
}

// line is one caller's waiting calls, the oldest first.
type line struct {
	caller string
	calls  []chan struct{}
}

func newGate(c Config) *gate {
	return &gate{live: c.Live, perCaller: c.PerCaller, queue: c.Queue, wait: c.Wait,
		of: map[string]int{}, took: 50 * time.Millisecond}
}

// enter waits for a place. leave gives it back.
func (g *gate) enter(ctx context.Context, caller string) (leave func(), err error) {
	turn, err := g.ask(caller)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	leave = sync.OnceFunc(func() { g.leave(caller, time.Since(began)) })
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case <-turn:
		began = time.Now()
		return leave, nil
	default:
	}
	select {
	case <-turn:
		began = time.Now()
		return leave, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = g.busy("no place became free in time")
	}
	if !g.withdraw(caller, turn) { // admitted in this very moment
		leave()
	}
	return nil, err
}

// ask returns a channel that is closed when the call is admitted.
func (g *gate) ask(caller string) (chan struct{}, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	turn := make(chan struct{})
	switch {
	case g.closed:
		return nil, ErrClosed
	case g.running < g.live && g.of[caller] < g.perCaller && g.lineOf(caller) == nil:
		g.admit(caller, turn)
		return turn, nil
	case g.waiting >= g.queue:
		return nil, g.refuse("the queue is full")
	}
	l := g.lineOf(caller)
	if l == nil {
		l = &line{caller: caller}
		g.turns = append(g.turns, l)
	}
	l.calls = append(l.calls, turn)
	g.waiting++
	return turn, nil
}

func (g *gate) lineOf(caller string) *line {
	for _, l := range g.turns {
		if l.caller == caller {
			return l
		}
	}
	return nil
}

func (g *gate) admit(caller string, turn chan struct{}) {
	g.running++
	g.of[caller]++
	close(turn)
}

func (g *gate) leave(caller string, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.of[caller]--; g.of[caller] == 0 {
		delete(g.of, caller)
	}
	g.took += (took - g.took) / 16
	g.admitNext()
}

// admitNext gives free places to the callers in turn.
func (g *gate) admitNext() {
	for i := 0; i < len(g.turns) && g.running < g.live; {
		l := g.turns[i]
		if g.of[l.caller] >= g.perCaller {
			i++
			continue
		}
		g.admit(l.caller, l.calls[0])
		l.calls = l.calls[1:]
		g.waiting--
		g.turns = append(g.turns[:i], g.turns[i+1:]...)
		if len(l.calls) > 0 {
			g.turns = append(g.turns, l) // the others come first
		}
	}
}

// withdraw takes a waiting call back; false: it has been admitted.
func (g *gate) withdraw(caller string, turn chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, l := range g.turns {
		if l.caller != caller {
			continue
		}
		for j, waiting := range l.calls {
			if waiting != turn {
				continue
			}
			g.waiting--
			if l.calls = append(l.calls[:j], l.calls[j+1:]...); len(l.calls) == 0 {
				g.turns = append(g.turns[:i], g.turns[i+1:]...)
			}
			return true
		}
	}
	return false
}

func (g *gate) busy(reason string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuse(reason)
}

// refuse reckons when the calls that wait now will be through.
func (g *gate) refuse(reason string) *BusyError {
	g.refused++
	after := g.took * time.Duration(g.waiting+1) / time.Duration(g.live)
	return &BusyError{Reason: reason, RetryAfter: max(after, 10*time.Millisecond)}
}

// close refuses what comes, and lets those that wait go on to see it.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
