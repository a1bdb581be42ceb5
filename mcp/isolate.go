package mcp

import (
	"context"
	"strconv"

	"golang.org/x/sys/unix"
)

// foreignID is a request that an isolated server made, under the id that it gave.
type foreignID struct {
	l   *link
	raw []byte
}

// isolate gives a call a server of its own, in a sandbox of its own, that ends with the call.
func (s *session) isolate(c *call, data []byte) {
	s.mu.Lock()
	_, taken := s.isolated[c.id]
	if !taken && !s.ended {
		s.isolated[c.id] = nil // until it is started
	}
	ended := s.ended
	s.mu.Unlock()
	switch {
	case ended:
		return
	case taken:
		s.refuse(s.current(), c, &refusal{layer: LayerProtocol, reason: errTaken.Error(), say: "The request's id is in use."})
		return
	}
	go s.runIsolated(c, data)
}

func (s *session) runIsolated(c *call, data []byte) {
	var mine *link
	defer func() {
		s.mu.Lock()
		delete(s.isolated, c.id)
		delete(s.withdrawn, c.id)
		for i, f := range s.asked { // what it asked for and nobody answered
			if f.l == mine {
				delete(s.asked, i)
			}
		}
		s.mu.Unlock()
	}()
	ctx := context.Background()
	l, err := s.startIsolated(ctx, c)
	mine = l
	if err != nil {
		s.cfg.Warn("--isolate call: %v", err)
		s.record(s.current(), c, Record{Decision: "allowed", Outcome: "not_started", Reason: err.Error()})
		_ = s.client.send(rpcError(c, -32000, "The server for this call could not be started."))
		return
	}
	over := make(chan struct{})
	c.over = func() { close(over) }
	if s.register(l, c) && !s.withdraw(l, c) && l.in.send(data) == nil {
		select {
		case <-over:
		case <-l.srv.Done():
		}
	}
	_, _ = l.end()
	s.abandon(l, "The server ended before it answered.")
}

func (s *session) startIsolated(ctx context.Context, c *call) (*link, error) {
	l, err := s.start(ctx, c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.isolated[c.id] = l
	ended := s.ended
	s.mu.Unlock()
	if err = s.greet(ctx, l); err == nil && ended {
		err = errGone
	}
	if err != nil {
		_, _ = l.end()
		return nil, err
	}
	return l, nil
}

// cancelIsolated ends the server of a call that the client has cancelled. If it is only being started, the call is not made.
func (s *session) cancelIsolated(i id) bool {
	var c *call
	s.mu.Lock()
	l, ok := s.isolated[i]
	if l != nil {
		c = l.flight.giveUp(i)
	}
	if ok && c == nil {
		s.withdrawn[i] = true
	}
	s.mu.Unlock()
	if c != nil {
		s.finish(l, c, "cancelled", 0)
	}
	return ok
}

// withdraw gives up a registered call that was cancelled before it was one; false: it was not.
func (s *session) withdraw(l *link, c *call) bool {
	s.mu.Lock()
	withdrawn := s.withdrawn[c.id]
	s.mu.Unlock()
	if withdrawn && l.flight.giveUp(c.id) != nil {
		s.finish(l, c, "cancelled", 0)
	}
	return withdrawn
}

func (s *session) isolatedRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.isolated) > 0
}

func (s *session) endIsolated() {
	s.mu.Lock()
	var all []*link
	for _, l := range s.isolated {
		if l != nil {
			all = append(all, l)
		}
	}
	s.mu.Unlock()
	for _, l := range all {
		l.srv.Signal(unix.SIGKILL)
	}
	for _, l := range all {
		_, _ = l.end()
	}
}

// renumber gives a request of an isolated server an id of its own: several servers may choose the same.
func (s *session) renumber(l *link, data []byte, e *envelope) [][]byte {
	s.mu.Lock()
	s.asks++
	raw := quote("mcpbox-ask-" + strconv.Itoa(s.asks))
	s.asked[idOf(raw)] = foreignID{l, append([]byte(nil), e.of(data, fID)...)}
	s.mu.Unlock()
	v := e.v[fID]
	return [][]byte{data[:v.start], raw, data[v.end:]}
}

// reply takes the client's answer to a request of a server's to the one that asked.
func (s *session) reply(_ *link, data []byte, e *envelope) []byte {
	i := e.id()
	s.mu.Lock()
	f, ok := s.asked[i]
	delete(s.asked, i)
	s.mu.Unlock()
	if !ok {
		return data
	}
	v := e.v[fID]
	_ = f.l.in.send(data[:v.start], f.raw, data[v.end:])
	return nil
}
