package access

import (
	"sync"
	"sync/atomic"
)

// Live is an allowlist for the proxy whose rules can be replaced while it is asked.
type Live struct {
	server *Server
	now    atomic.Pointer[snapshot]

	mu      sync.Mutex
	changed chan struct{}
}

// snapshot is a set, or why there is none, with the answers that were given: a call asks several times for the same.
type snapshot struct {
	set *Set
	err error

	mu      sync.Mutex
	answers map[Item]liveAnswer
}

type liveAnswer struct {
	verdict    Verdict
	parameters *Parameters
}

// maxAnswers bounds what a server with ever new names of tools can make the proxy keep.
const maxAnswers = 4096

var _ Allowlist = (*Live)(nil)

// NewLive returns a list for the server that launch describes (nil: unknown). It refuses everything until it has rules.
func NewLive(launch *Server) *Live {
	l := &Live{server: launch, changed: make(chan struct{})}
	l.now.Store(&snapshot{})
	return l
}

// Replace puts other rules in force at once. With an error instead, everything is refused: rules that can't be read allow nothing.
func (l *Live) Replace(set *Set, err error) {
	l.now.Store(&snapshot{set: set, err: err, answers: map[Item]liveAnswer{}})
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Check is mcp.Allowlist's.
func (l *Live) Check(i Item) Verdict { return l.now.Load().answer(i, l.server).verdict }

// Parameters is mcp.Allowlist's. What can't be compiled, Check has refused.
func (l *Live) Parameters(i Item) *Parameters {
	return l.now.Load().answer(i, l.server).parameters
}

func (l *snapshot) answer(i Item, launch *Server) liveAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.answers[i]
	if !ok {
		a = l.judge(i, launch)
		if len(l.answers) < maxAnswers && l.answers != nil {
			l.answers[i] = a
		}
	}
	return a
}

func (l *snapshot) judge(i Item, launch *Server) (a liveAnswer) {
	switch {
	case l.err != nil:
		a.verdict = refuse(LayerGlobal, "the allowlist can't be used: %v", l.err)
		return a
	case l.set == nil:
		a.verdict = refuse(LayerGlobal, "the allowlist is not loaded")
		return a
	}
	var err error
	if a.parameters, err = l.set.Parameters(i); err != nil {
		a.verdict = refuse(LayerParameter, "the rules for the arguments of %s can't be used: %v", i.Name, err)
		return a
	}
	a.verdict = l.set.Check(i, launch)
	return a
}

// CheckServer asks whether the server may run at all, as it is now: the program may be another one than at first.
func (l *Live) CheckServer(launch Server) Verdict {
	now := l.now.Load()
	switch {
	case now.err != nil:
		return refuse(LayerGlobal, "the allowlist can't be used: %v", now.err)
	case now.set == nil:
		return refuse(LayerGlobal, "the allowlist is not loaded")
	}
	return now.set.CheckServer(launch)
}

// Changed is mcp.Allowlist's.
func (l *Live) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}
