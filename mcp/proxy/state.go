package proxy

import (
	"context"
	"sync"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// phase is a stage of a session.
type phase uint8

const (
	serving phase = iota
	leaving       // the client sends nothing more; calls in flight are finished
	ended         // the server is being stopped; nothing is started any more
)

// state is everything about a session that changes. Only view, update and await reach it.
type state struct {
	phase      phase
	terminated bool        // mcpbox has terminated the server
	main       *serverConn // the server of all calls; it gets none if every call has its own server
	replacing  bool        // main hangs, and its replacement is starting
	handshake  handshake
	version    string // serverInfo.version
	answered   bool   // the server has introduced itself

	deferred []deferredCall // calls that wait for the list of tools
	listing  bool           // that list has been requested

	isolated map[wire.ID]*isolatedCall // by the id of the call
	// pending requests of isolated servers, by the id that the client sees
	requests     map[wire.ID]serverRequest
	requestCount int
}

// stateBox guards the state of a session.
type stateBox struct {
	mu      sync.Mutex
	state   state
	changed chan struct{} // closed at the next update; nil: nobody waits
}

// view reads the state. f must not block, and must not keep references to changing parts of it.
func (b *stateBox) view(f func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
}

// update changes the state and wakes all waiters. f must not block.
func (b *stateBox) update(f func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// next reads the state, and returns a channel that is closed at the next change.
func (b *stateBox) next(f func(*state)) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// await returns true when the condition holds, and false if ctx ends first.
func (b *stateBox) await(ctx context.Context, holds func(*state) bool) bool {
	for {
		var ok bool
		changed := b.next(func(st *state) { ok = holds(st) })
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
