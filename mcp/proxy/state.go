package proxy

import (
	"context"
	"sync"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// phase is how far a session is.
type phase uint8

const (
	serving phase = iota
	leaving       // the client says no more: what is in flight is finished
	ended         // the server is taken down: nothing is started any more
)

// state is everything about a session that changes. Only view, update and await reach it.
type state struct {
	phase      phase
	terminated bool        // mcpbox has told the server to end
	main       *serverConn // the server of all calls, or of none if every call has its own
	replacing  bool        // main hangs, and another server is being started in its place
	handshake  handshake
	version    string // serverInfo.version

	deferred []deferredCall // calls that wait until the tools are known
	listing  bool           // the tools are being listed for them

	isolated map[wire.ID]*isolatedCall // by the id of the call
	// of isolated servers, not answered yet, by the id that the client sees
	requests     map[wire.ID]serverRequest
	requestCount int
}

// stateBox guards the state of a session.
type stateBox struct {
	mu      sync.Mutex
	state   state
	changed chan struct{} // closed at the next update; nil: nobody waits for it
}

// view reads the state. f must not keep anything of it that changes, and must not block.
func (b *stateBox) view(f func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
}

// update changes the state and wakes everybody who waits for a change. f must not block.
func (b *stateBox) update(f func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// next reads the state, and returns a channel that is closed when it changes again.
func (b *stateBox) next(f func(*state)) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// await returns once the condition holds; false: ctx ended before that.
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
