package pool

import (
	"context"
	"sync"
	"time"
)

// gate admits calls: a bounded number at once, and those that wait in turn, caller by caller. A
// group of callers that has fewer running calls comes first.
type gate struct {
	live, perCaller, queue int
	wait                   time.Duration

	group           func(caller string) string
	perGroup, share int // of a group: calls at once, calls that wait

	mu      sync.Mutex
	running int
	of      map[string]int // running, by caller
	ofGroup map[string]int // the same, by group
	waiting int
	lined   map[string]int // waiting, by group
	turns   []*line        // callers with waiting calls, the next one first
	took    time.Duration  // how long calls take, a moving average
	refused uint64
	closed  bool
}

// line is one caller's waiting calls, the oldest first.
type line struct {
	caller string
	calls  []chan struct{}
}

func newGate(c Config) *gate {
	g := &gate{live: c.Live, perCaller: c.PerCaller, queue: c.Queue, wait: c.Wait,
		group: c.Group, perGroup: c.PerGroup, share: c.Queue,
		of: map[string]int{}, ofGroup: map[string]int{}, lined: map[string]int{},
		took: 50 * time.Millisecond}
	if g.group == nil {
		g.group, g.perGroup = func(string) string { return "" }, c.Live
	} else if g.perGroup < c.Live {
		g.share = max(1, c.Queue*g.perGroup/c.Live)
	}
	return g
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
	case g.running < g.live && g.mayRun(caller) && g.lineOf(caller) == nil:
		g.admit(caller, turn)
		return turn, nil
	case g.waiting >= g.queue, g.lined[g.group(caller)] >= g.share:
		return nil, g.refuse("the queue is full")
	}
	l := g.lineOf(caller)
	if l == nil {
		l = &line{caller: caller}
		g.turns = append(g.turns, l)
	}
	l.calls = append(l.calls, turn)
	g.line(caller, 1)
	return turn, nil
}

// line counts a waiting call, or takes it back.
func (g *gate) line(caller string, n int) {
	g.waiting += n
	count(g.lined, g.group(caller), n)
}

func count(of map[string]int, name string, n int) {
	if of[name] += n; of[name] == 0 {
		delete(of, name)
	}
}

// mayRun reports whether a caller and its group have less than they may.
func (g *gate) mayRun(caller string) bool {
	return g.of[caller] < g.perCaller && g.ofGroup[g.group(caller)] < g.perGroup
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
	g.ofGroup[g.group(caller)]++
	close(turn)
}

func (g *gate) leave(caller string, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	count(g.of, caller, -1)
	count(g.ofGroup, g.group(caller), -1)
	g.took += (took - g.took) / 16
	g.admitNext()
}

// admitNext gives free places to the callers in turn.
func (g *gate) admitNext() {
	for g.running < g.live {
		i := g.next()
		if i < 0 {
			return
		}
		l := g.turns[i]
		g.admit(l.caller, l.calls[0])
		l.calls = l.calls[1:]
		g.line(l.caller, -1)
		g.turns = append(g.turns[:i], g.turns[i+1:]...)
		if len(l.calls) > 0 {
			g.turns = append(g.turns, l) // the others come first
		}
	}
}

// next is whose turn it is, or -1.
func (g *gate) next() int {
	best := -1
	for i, l := range g.turns {
		if g.mayRun(l.caller) && (best < 0 ||
			g.ofGroup[g.group(l.caller)] < g.ofGroup[g.group(g.turns[best].caller)]) {
			best = i
		}
	}
	return best
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
			g.line(caller, -1)
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
