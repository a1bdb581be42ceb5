package access

import (
	"sync"
	"sync/atomic"
)

// Live is an allowlist whose rules can be replaced while it is in use.
type Live struct {
	server *Server
	now    atomic.Pointer[snapshot]

	mu      sync.Mutex
	changed chan struct{}
}

// snapshot is a set, or the error that stands in for it. It caches verdicts, because one call asks
// for the same verdict several times.
type snapshot struct {
	set *Set
	err error

	mu      sync.Mutex
	answers map[Item]Verdict
}

// maxAnswers bounds the cache. Otherwise a client with ever new names could fill the memory.
const maxAnswers = 4096

var _ Allowlist = (*Live)(nil)

// NewLive returns a list for this server (nil: unknown). It refuses everything until it has rules.
func NewLive(server *Server) *Live {
	l := &Live{server: server, changed: make(chan struct{})}
	l.now.Store(&snapshot{})
	return l
}

// Replace puts other rules in force at once. With an error, the list refuses everything: rules that
// can't be read allow nothing.
func (l *Live) Replace(set *Set, err error) {
	if set != nil && l.server != nil {
		set = set.For(*l.server)
	}
	l.now.Store(&snapshot{set: set, err: err, answers: map[Item]Verdict{}})
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Check implements Allowlist.
func (l *Live) Check(i Item) Verdict {
	now := l.now.Load()
	return now.ask(func(s *Set) Verdict { return now.check(s, i) })
}

// CheckArguments implements Allowlist.
func (l *Live) CheckArguments(tool Item, args *Arguments, fs Filesystem) Verdict {
	return l.now.Load().ask(func(s *Set) Verdict { return s.CheckArguments(tool, args, fs) })
}

// CheckServer decides whether the server may run. It takes the server as it is now, because its
// program may have changed since NewLive.
func (l *Live) CheckServer(server Server) Verdict {
	return l.now.Load().ask(func(s *Set) Verdict { return s.For(server).CheckServer(server.Name) })
}

// Changed implements Allowlist.
func (l *Live) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (n *snapshot) ask(question func(*Set) Verdict) Verdict {
	switch {
	case n.err != nil:
		return (&Set{}).refuse(LayerGlobal, "the allowlist can't be used: %v", n.err)
	case n.set == nil:
		return (&Set{}).refuse(LayerGlobal, "the allowlist is not loaded")
	}
	return question(n.set)
}

func (n *snapshot) check(s *Set, i Item) Verdict {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, known := n.answers[i]
	if !known {
		v = s.Check(i)
		if len(n.answers) < maxAnswers {
			n.answers[i] = v
		}
	}
	return v
}
