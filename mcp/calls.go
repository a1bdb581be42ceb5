package mcp

import (
	"cmp"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
)

// call is a request of the client's that the server has not answered yet.
type call struct {
	id      id
	raw     []byte // the id as the client wrote it
	method  string
	name    string // of the tool or prompt, or the URI
	began   time.Time
	bytesIn int
	args    []byte // for the audit
	cut     bool   // they were not kept
	before  Usage
	metered bool
	events  atomic.Int64
	shared  atomic.Bool // another call was in flight at some time

	stop    func()      // ends the watching of the call's limits
	over    func()      // tells whoever waits for the call's end
	private chan answer // the proxy's own request: the answer goes here
}

type answer struct {
	data []byte
	env  envelope
	err  error
}

// works reports whether security events may be this request's doing.
func (c *call) works() bool {
	switch c.method {
	case "tools/call", "resources/read", "prompts/get", "completion/complete", "tasks/result":
		return c.private == nil
	}
	return false
}

// marked reports whether what is answered are a tool's words.
func (c *call) marked() bool { return c.method == "tools/call" || c.method == "tasks/result" }

// lists reports whether the answer is a list of what there is.
func (c *call) lists() bool {
	switch c.method {
	case "tools/list", "resources/list", "resources/templates/list", "prompts/list":
		return true
	}
	return false
}

// introduces reports whether the answer says who the server is.
func (c *call) introduces() bool { return c.method == "initialize" || c.method == "server/discover" }

// ruled reports whether rules look into the result.
func (c *call) ruled() bool { return c.marked() || c.lists() || c.introduces() }

// tool is how events name what was called.
func (c *call) tool() string {
	if c.method == "tools/call" {
		return c.name
	}
	return c.method
}

// flight is the set of calls in flight to one server process.
type flight struct {
	server string
	only   *snapshot // of a server that lives for one call: whatever it does and whenever, it does for that call

	mu     sync.Mutex
	closed bool
	all    map[id]*call
	late   map[id]bool // cancelled or given up: an answer may still come
	order  []*call     // those that work, oldest first
	inside atomic.Pointer[snapshot]
}

// snapshot is what an event needs, ready made: the hook runs while a thread of the tool waits.
type snapshot struct {
	call  *monitor.Call
	calls []*call
}

// newFlight is for a server that is for all calls, or only for one.
func newFlight(server string, only *call) *flight {
	f := &flight{server: server, all: map[id]*call{}, late: map[id]bool{}}
	if only != nil {
		f.only = f.snapshot([]*call{only})
	}
	return f
}

var errTaken = errors.New("its request id is in use")

func (f *flight) add(c *call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return errGone
	case f.all[c.id] != nil:
		return errTaken
	}
	delete(f.late, c.id)
	f.all[c.id] = c
	if c.works() {
		f.order = append(f.order, c)
		if len(f.order) > 1 {
			for _, o := range f.order {
				o.shared.Store(true)
			}
		}
		f.publish()
	}
	return nil
}

// remove takes a call out of the set; nil if it is not there.
func (f *flight) remove(i id) *call {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.all[i]
	if c == nil {
		return nil
	}
	delete(f.all, i)
	f.drop(c)
	return c
}

func (f *flight) drop(c *call) {
	for n, o := range f.order {
		if o == c {
			f.order = append(f.order[:n:n], f.order[n+1:]...)
			f.publish()
			return
		}
	}
}

const maxLate = 4096

// giveUp takes a call out of the set whose answer, if it still comes, is nobody's.
func (f *flight) giveUp(i id) *call {
	c := f.remove(i)
	if c != nil {
		f.mu.Lock()
		if len(f.late) < maxLate {
			f.late[i] = true
		}
		f.mu.Unlock()
	}
	return c
}

// wasLate forgets a late id; true if it was one.
func (f *flight) wasLate(i id) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	ok := f.late[i]
	delete(f.late, i)
	return ok
}

func (f *flight) get(i id) *call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[i]
}

// listening reports whether an answer may come that is looked at whatever the rules are: who the server is, which tools it has.
func (f *flight) listening() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.all {
		if c.method == "tools/list" || c.introduces() {
			return true
		}
	}
	return false
}

func (f *flight) empty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all) == 0
}

// takeAll empties the set for good: nothing can be added to it any more.
func (f *flight) takeAll() (out []*call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for i, c := range f.all {
		out = append(out, c)
		delete(f.all, i)
	}
	f.order = nil
	f.publish()
	return out
}

// publish is called with the lock held.
func (f *flight) publish() {
	if len(f.order) == 0 {
		f.inside.Store(nil)
		return
	}
	f.inside.Store(f.snapshot(f.order))
}

func (f *flight) snapshot(calls []*call) *snapshot {
	s := &snapshot{calls: append([]*call(nil), calls...)}
	s.call = &monitor.Call{Server: f.server, Request: calls[0].id.String(), Tool: calls[0].tool()}
	for _, o := range calls[1:] {
		s.call.Ambiguous = append(s.call.Ambiguous, o.id.String()+" "+o.tool())
	}
	return s
}

// now is the hook for events: which call they belong to. If several are in flight, all are named.
func (f *flight) now() *monitor.Call {
	s := cmp.Or(f.inside.Load(), f.only)
	if s == nil {
		return nil
	}
	for _, c := range s.calls {
		c.events.Add(1)
	}
	return s.call
}
