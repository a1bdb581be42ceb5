package hub

import (
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// Origin is whose events come through a sink.
type Origin struct{ Execution, Client, Caller string }

// Hub is safe for concurrent use.
type Hub struct {
	db     *state.DB
	lost   atomic.Uint64
	mu     sync.Mutex
	closed bool
	follow map[chan *api.Event]bool
	counts map[monitor.Type]uint64
}

// New makes a hub over a state.
func New(db *state.DB) *Hub {
	return &Hub{
		db:     db,
		follow: map[chan *api.Event]bool{},
		counts: map[monitor.Type]uint64{},
	}
}

// Sink takes in the events of one sandbox.
func (h *Hub) Sink(o Origin) monitor.Sink { return &sink{h, o} }

type sink struct {
	hub    *Hub
	origin Origin
}

func (s *sink) Close() error { return nil }

func (s *sink) Emit(e monitor.Event) error { return s.hub.take(e, s.origin) }

func (h *Hub) take(e monitor.Event, o Origin) error {
	h.mu.Lock()
	if e.Count == 1 {
		h.counts[e.Type]++
	}
	h.mu.Unlock()
	row, err := Row(e, o)
	if err != nil {
		return err
	}
	seq, err := h.db.SaveEvent(row)
	if err != nil {
		h.lost.Add(1)
		return err
	}
	h.tell(&api.Event{Seq: seq, Execution: o.Execution, Client: o.Client, Caller: o.Caller,
		Event: e})
	return nil
}

// Row is an event as the state has it.
func Row(e monitor.Event, o Origin) (state.Event, error) {
	body, err := json.Marshal(e)
	return state.Event{
		ID:        e.ID,
		Time:      e.Time,
		Type:      string(e.Type),
		Severity:  state.Rank(e.Severity),
		Sandbox:   e.Sandbox,
		Execution: o.Execution,
		Client:    o.Client,
		Caller:    o.Caller,
		Body:      body,
	}, err
}

func (h *Hub) tell(e *api.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.follow {
		select {
		case c <- e:
		default:
			h.lost.Add(1)
		}
	}
}

// Follow returns the events from now on. The channel is closed by stop, or by Close.
func (h *Hub) Follow() (events <-chan *api.Event, stop func()) {
	const queue = 1024
	c := make(chan *api.Event, queue)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(c)
		return c, func() {}
	}
	h.follow[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.follow[c] {
			delete(h.follow, c)
			close(c)
		}
	}
}

// Close sends the followers away.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.follow {
		delete(h.follow, c)
		close(c)
	}
}

// Lose counts events that somebody else than a follower has lost.
func (h *Hub) Lose(n int) { h.lost.Add(uint64(n)) }

// Counts are the events taken in, by type, and those that followers or the state have lost.
func (h *Hub) Counts() (byType map[string]uint64, lost uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	byType = map[string]uint64{}
	for t, n := range h.counts {
		byType[string(t)] = n
	}
	return byType, h.lost.Load()
}
