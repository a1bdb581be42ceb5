package proxy

import (
	"context"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// serverRequest is a request that an isolated server made, under the id that it gave.
type serverRequest struct {
	conn *serverConn
	raw  []byte
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
		s.refuse(s.current(), c, &refusal{layer: access.LayerProtocol, reason: errIDInUse.Error(), say: "The request's id is in use."})
		return
	}
	go s.runIsolated(c, data)
}

func (s *session) runIsolated(c *call, data []byte) {
	var mine *serverConn
	defer func() {
		s.mu.Lock()
		delete(s.isolated, c.id)
		delete(s.cancelledEarly, c.id)
		for i, f := range s.serverRequests { // what it asked for and nobody answered
			if f.conn == mine {
				delete(s.serverRequests, i)
			}
		}
		s.mu.Unlock()
	}()
	ctx := context.Background()
	conn, err := s.startIsolated(ctx, c)
	mine = conn
	if err != nil {
		s.cfg.Warn("--isolate call: %v", err)
		s.record(s.current(), c, audit.Record{Decision: "allowed", Outcome: "not_started", Reason: err.Error()})
		_ = s.client.Send(rpcError(c, -32000, "The server for this call could not be started."))
		return
	}
	over := make(chan struct{})
	c.over = func() { close(over) }
	if s.register(conn, c) && !s.takeCancelled(conn, c) && conn.in.Send(data) == nil {
		select {
		case <-over:
		case <-conn.srv.Done():
		}
	}
	_, _ = conn.end()
	s.failPending(conn, "The server ended before it answered.")
}

func (s *session) startIsolated(ctx context.Context, c *call) (*serverConn, error) {
	conn, err := s.start(ctx, c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.isolated[c.id] = conn
	ended := s.ended
	s.mu.Unlock()
	if err = s.replayHandshake(ctx, conn); err == nil && ended {
		err = errServerGone
	}
	if err != nil {
		_, _ = conn.end()
		return nil, err
	}
	return conn, nil
}

// cancelIsolated ends the server of a call that the client has cancelled. If it is only being started, the call is not made.
func (s *session) cancelIsolated(i wire.ID) bool {
	var c *call
	s.mu.Lock()
	conn, ok := s.isolated[i]
	if conn != nil {
		c = conn.pending.abandon(i)
	}
	if ok && c == nil {
		s.cancelledEarly[i] = true
	}
	s.mu.Unlock()
	if c != nil {
		s.finish(conn, c, "cancelled", 0)
	}
	return ok
}

// takeCancelled gives up a registered call that was cancelled before it was one; false: it was not.
func (s *session) takeCancelled(conn *serverConn, c *call) bool {
	s.mu.Lock()
	withdrawn := s.cancelledEarly[c.id]
	s.mu.Unlock()
	if withdrawn && conn.pending.abandon(c.id) != nil {
		s.finish(conn, c, "cancelled", 0)
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
	var all []*serverConn
	for _, conn := range s.isolated {
		if conn != nil {
			all = append(all, conn)
		}
	}
	s.mu.Unlock()
	for _, conn := range all {
		conn.srv.Signal(unix.SIGKILL)
	}
	for _, conn := range all {
		_, _ = conn.end()
	}
}

// renumber gives a request of an isolated server an id of its own: several servers may choose the same.
func (s *session) renumber(conn *serverConn, data []byte, e *wire.Envelope) [][]byte {
	s.mu.Lock()
	s.serverRequestCount++
	raw := wire.Quote("mcpbox-ask-" + strconv.Itoa(s.serverRequestCount))
	s.serverRequests[wire.ParseID(raw)] = serverRequest{conn, append([]byte(nil), e.Raw(data, wire.FieldID)...)}
	s.mu.Unlock()
	v := e.At(wire.FieldID)
	return [][]byte{data[:v.Start], raw, data[v.End:]}
}

// reply takes the client's answer to a request of a server's to the one that asked.
func (s *session) reply(_ *serverConn, data []byte, e *wire.Envelope) []byte {
	i := e.ID()
	s.mu.Lock()
	f, ok := s.serverRequests[i]
	delete(s.serverRequests, i)
	s.mu.Unlock()
	if !ok {
		return data
	}
	v := e.At(wire.FieldID)
	_ = f.conn.in.Send(data[:v.Start], f.raw, data[v.End:])
	return nil
}
