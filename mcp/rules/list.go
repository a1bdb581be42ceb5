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

// loaded is a set, or why there is none.
type loaded struct {
	set *Set
	err error
	mu  sync.Mutex
	// compiled parameters by tool: every call asks for them
	parameters map[mcp.Item]*mcp.Parameters
}

var _ mcp.Allowlist = (*List)(nil)

// NewList returns a list for the server that launch describes (nil: unknown). It refuses everything until it has rules.
func NewList(launch *Launch) *List {
	l := &List{launch: launch, changed: make(chan struct{})}
	l.now.Store(&loaded{})
	return l
}

// Replace puts other rules in force at once. With an error instead, everything is refused: rules that can't be read allow nothing.
func (l *List) Replace(set *Set, err error) {
	l.now.Store(&loaded{set: set, err: err, parameters: map[mcp.Item]*mcp.Parameters{}})
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Check is mcp.Allowlist's.
func (l *List) Check(i mcp.Item) mcp.Verdict {
	now := l.now.Load()
	switch {
	case now.err != nil:
		return refuse(Global, "the allowlist can't be used: %v", now.err)
	case now.set == nil:
		return refuse(Global, "the allowlist is not loaded")
	}
	if v := now.set.Check(i, l.launch); !v.Allowed || i.Kind != mcp.KindTool {
		return v
	}
	if _, err := now.compiled(i); err != nil {
		return refuse(Parameter, "the rules for the arguments of %s can't be used: %v", i.Name, err)
	}
	return mcp.Verdict{Allowed: true}
}

// CheckLaunch asks whether the server may run at all.
func (l *List) CheckLaunch() mcp.Verdict {
	now := l.now.Load()
	switch {
	case now.err != nil:
		return refuse(Global, "the allowlist can't be used: %v", now.err)
	case now.set == nil || l.launch == nil:
		return refuse(Global, "the allowlist is not loaded, or not told what runs")
	}
	return now.set.CheckLaunch(*l.launch)
}

// Parameters is mcp.Allowlist's. What can't be compiled, Check has refused.
func (l *List) Parameters(i mcp.Item) *mcp.Parameters {
	p, _ := l.now.Load().compiled(i)
	return p
}

// maxCompiled bounds what a server with ever new names of tools can make the proxy keep.
const maxCompiled = 4096

func (l *loaded) compiled(i mcp.Item) (*mcp.Parameters, error) {
	if l.set == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.parameters[i]; ok {
		return p, nil
	}
	p, err := l.set.Parameters(i)
	if err == nil && len(l.parameters) < maxCompiled {
		l.parameters[i] = p
	}
	return p, err
}

// Changed is mcp.Allowlist's.
func (l *List) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}
