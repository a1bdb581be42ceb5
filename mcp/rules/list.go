package rules

import (
	"sync"
	"sync/atomic"

	"github.com/mcpbox/mcpbox/mcp"
)

// List is an allowlist for the proxy whose rules can be replaced while it is asked.
type List struct {
	launch *Launch
	now    atomic.Pointer[loaded]

	mu      sync.Mutex
	changed chan struct{}
}

// loaded is a set, or why there is none, with the answers that were given: a call asks several times for the same.
type loaded struct {
	set *Set
	err error

	mu      sync.Mutex
	answers map[mcp.Item]answer
}

type answer struct {
	verdict    mcp.Verdict
	parameters *mcp.Parameters
}

// maxAnswers bounds what a server with ever new names of tools can make the proxy keep.
const maxAnswers = 4096

var _ mcp.Allowlist = (*List)(nil)

// NewList returns a list for the server that launch describes (nil: unknown). It refuses everything until it has rules.
func NewList(launch *Launch) *List {
	l := &List{launch: launch, changed: make(chan struct{})}
	l.now.Store(&loaded{})
	return l
}

// Replace puts other rules in force at once. With an error instead, everything is refused: rules that can't be read allow nothing.
func (l *List) Replace(set *Set, err error) {
	l.now.Store(&loaded{set: set, err: err, answers: map[mcp.Item]answer{}})
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Check is mcp.Allowlist's.
func (l *List) Check(i mcp.Item) mcp.Verdict { return l.now.Load().answer(i, l.launch).verdict }

// Parameters is mcp.Allowlist's. What can't be compiled, Check has refused.
func (l *List) Parameters(i mcp.Item) *mcp.Parameters {
	return l.now.Load().answer(i, l.launch).parameters
}

func (l *loaded) answer(i mcp.Item, launch *Launch) answer {
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

func (l *loaded) judge(i mcp.Item, launch *Launch) (a answer) {
	switch {
	case l.err != nil:
		a.verdict = refuse(Global, "the allowlist can't be used: %v", l.err)
		return a
	case l.set == nil:
		a.verdict = refuse(Global, "the allowlist is not loaded")
		return a
	}
	var err error
	if a.parameters, err = l.set.Parameters(i); err != nil {
		a.verdict = refuse(Parameter, "the rules for the arguments of %s can't be used: %v", i.Name, err)
		return a
	}
	a.verdict = l.set.Check(i, launch)
	return a
}

// CheckLaunch asks whether the server may run at all, as it is now: the program may be another one than at first.
func (l *List) CheckLaunch(launch Launch) mcp.Verdict {
	now := l.now.Load()
	switch {
	case now.err != nil:
		return refuse(Global, "the allowlist can't be used: %v", now.err)
	case now.set == nil:
		return refuse(Global, "the allowlist is not loaded")
	}
	return now.set.CheckLaunch(launch)
}

// Changed is mcp.Allowlist's.
func (l *List) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}
