package proxy

import (
	"cmp"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/monitor"
)

// call is a request that the server has not answered yet.
type call struct {
	id      wire.ID
	raw     []byte // the id as the client wrote it
	method  string
	name    string // the tool's or prompt's name, or the URI
	began   time.Time
	bytesIn int
	args    []byte // for the audit record
	cut     bool   // the arguments were too long to keep
	before  launch.Usage
	metered bool
	events  atomic.Int64
	shared  atomic.Bool // another call was in flight at some time

	stop  func()      // stops the watch over the call's limits
	over  func()      // reports the end of the call, if somebody waits for it
	reply chan answer // for requests of the proxy itself: receives the answer
}

type answer struct {
	data []byte
	env  wire.Envelope
	err  error
}

// attributable reports whether this request may cause security events.
func (c *call) attributable() bool {
	switch c.method {
	case "tools/call", "resources/read", "prompts/get", "completion/complete", "tasks/result":
		return c.reply == nil
	}
	return false
}

// isToolResult reports whether the answer comes from a tool.
func (c *call) isToolResult() bool { return treatmentOf(c.method) == marked }

// isListing reports whether the answer lists tools, resources or prompts.
func (c *call) isListing() bool {
	switch c.method {
	case "tools/list", "resources/list", "resources/templates/list", "prompts/list":
		return true
	}
	return false
}

// isHandshake reports whether the answer says who the server is.
func (c *call) isHandshake() bool {
	return c.method == "initialize" ||
		c.method == "server/discover"
}

// isInspected reports whether rules look at the result.
func (c *call) isInspected() bool { return c.isToolResult() || c.isListing() || c.isHandshake() }

// tool returns the name that events use for the called item.
func (c *call) tool() string {
	if c.method == "tools/call" {
		return c.name
	}
	return c.method
}

// pendingCalls is the set of calls in flight to one server process.
type pendingCalls struct {
	server string
	only   *snapshot // for an isolated server: all its events belong to one call

	mu         sync.Mutex
	whenIdle   chan struct{} // closed once no call is in flight; nil: nobody waits
	closed     bool
	all        map[wire.ID]*call
	abandoned  map[wire.ID]bool // cancelled or over a limit; an answer may still come
	attributed []*call          // calls that may cause events, oldest first
	inside     atomic.Pointer[snapshot]
}

// snapshot holds what an event needs. It is made in advance, because a thread of the tool waits
// while the hook runs.
type snapshot struct {
	call  *monitor.Call
	calls []*call
}

// newPendingCalls makes the set for one server. only is the call of an isolated server; nil: the
// server serves all calls.
func newPendingCalls(server string, only *call) *pendingCalls {
	p := &pendingCalls{server: server, all: map[wire.ID]*call{}, abandoned: map[wire.ID]bool{}}
	if only != nil {
		p.only = p.snapshot([]*call{only})
	}
	return p
}

var errIDInUse = errors.New("its request id is already in use")

func (p *pendingCalls) add(c *call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return errServerGone
	case p.all[c.id] != nil:
		return errIDInUse
	}
	delete(p.abandoned, c.id)
	p.all[c.id] = c
	if c.attributable() {
		p.attributed = append(p.attributed, c)
		if len(p.attributed) > 1 {
			for _, o := range p.attributed {
				o.shared.Store(true)
			}
		}
		p.publish()
	}
	return nil
}

// remove removes a call from the set. It returns nil if the call is not in the set.
func (p *pendingCalls) remove(i wire.ID) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.all[i]
	if c == nil {
		return nil
	}
	delete(p.all, i)
	p.drop(c)
	p.wakeIfIdle()
	return c
}

func (p *pendingCalls) drop(c *call) {
	for n, o := range p.attributed {
		if o == c {
			p.attributed = append(p.attributed[:n:n], p.attributed[n+1:]...)
			p.publish()
			return
		}
	}
}

const maxAbandoned = 4096

// abandon removes a call from the set. A later answer to it will be dropped.
func (p *pendingCalls) abandon(i wire.ID) *call {
	c := p.remove(i)
	if c != nil {
		p.mu.Lock()
		if len(p.abandoned) < maxAbandoned {
			p.abandoned[i] = true
		}
		p.mu.Unlock()
	}
	return c
}

// wasAbandoned reports whether the call was abandoned, and forgets it.
func (p *pendingCalls) wasAbandoned(i wire.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok := p.abandoned[i]
	delete(p.abandoned, i)
	return ok
}

// mustInspect reports whether an answer is pending that the proxy inspects even without rules: that
// of a handshake, or a list of tools.
func (p *pendingCalls) mustInspect() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if c.method == "tools/list" || c.isHandshake() {
			return true
		}
	}
	return false
}

// idle returns a channel that is closed once no call is in flight.
func (p *pendingCalls) idle() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.whenIdle == nil {
		p.whenIdle = make(chan struct{})
	}
	idle := p.whenIdle
	p.wakeIfIdle()
	return idle
}

// wakeIfIdle is called with the lock held.
func (p *pendingCalls) wakeIfIdle() {
	if len(p.all) == 0 && p.whenIdle != nil {
		close(p.whenIdle)
		p.whenIdle = nil
	}
}

// takeAll empties and closes the set. No call can be added any more.
func (p *pendingCalls) takeAll() (out []*call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for i, c := range p.all {
		out = append(out, c)
		delete(p.all, i)
	}
	p.wakeIfIdle()
	p.attributed = nil
	p.publish()
	return out
}

// publish is called with the lock held.
func (p *pendingCalls) publish() {
	if len(p.attributed) == 0 {
		p.inside.Store(nil)
		return
	}
	p.inside.Store(p.snapshot(p.attributed))
}

func (p *pendingCalls) snapshot(calls []*call) *snapshot {
	s := &snapshot{calls: append([]*call(nil), calls...)}
	s.call = &monitor.Call{Server: p.server, Request: calls[0].id.String(), Tool: calls[0].tool()}
	for _, o := range calls[1:] {
		s.call.Ambiguous = append(s.call.Ambiguous, o.id.String()+" "+o.tool())
	}
	return s
}

// current is the hook for events. It returns the call that an event belongs to. If several are in
// flight, it names all.
func (p *pendingCalls) current() *monitor.Call {
	s := cmp.Or(p.inside.Load(), p.only)
	if s == nil {
		return nil
	}
	for _, c := range s.calls {
		c.events.Add(1)
	}
	return s.call
}
