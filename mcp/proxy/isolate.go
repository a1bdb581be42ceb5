package proxy

import (
	"bytes"
	"context"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// isolatedCall is a call with its own server.
type isolatedCall struct {
	conn      *serverConn // nil until it has started
	cancelled bool        // by the client, before the call was sent
}

// serverRequest is a request from an isolated server, with the server's id for it.
type serverRequest struct {
	conn *serverConn
	raw  []byte
}

// isolate starts a server in its own sandbox for one call. The server ends with the call.
func (s *session) isolate(c *call, data []byte) {
	var taken, over bool
	s.update(func(st *state) {
		taken, over = st.isolated[c.id] != nil, st.phase == ended
		if !taken && !over {
			st.isolated[c.id] = &isolatedCall{}
		}
	})
	switch {
	case over:
	case taken:
		s.refuse(s.current(), c, &refusal{layer: access.LayerProtocol, reason: errIDInUse.Error(),
			say: "The request's id is already in use."})
	default:
		go s.runIsolated(c, data)
	}
}

func (s *session) runIsolated(c *call, data []byte) {
	conn, err := s.startIsolated(context.Background(), c)
	defer s.forgetIsolated(c, conn)
	if err != nil {
		s.cfg.Warn("--isolate call: %v", err)
		s.record(s.current(), c, audit.Record{Decision: "allowed", Outcome: "not_started",
			Reason: err.Error()})
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

// forgetIsolated drops the state of a call whose server has ended, and the server's unanswered
// requests.
func (s *session) forgetIsolated(c *call, conn *serverConn) {
	s.update(func(st *state) {
		delete(st.isolated, c.id)
		for i, r := range st.requests {
			if r.conn == conn {
				delete(st.requests, i)
			}
		}
	})
}

func (s *session) startIsolated(ctx context.Context, c *call) (*serverConn, error) {
	conn, err := s.start(ctx, c)
	if err != nil {
		return nil, err
	}
	var over bool
	s.update(func(st *state) {
		st.isolated[c.id].conn = conn
		over = st.phase == ended
	})
	if err = s.replayHandshake(ctx, conn); err == nil && over {
		err = errServerGone
	}
	if err != nil {
		_, _ = conn.end()
		return nil, err
	}
	return conn, nil
}

// cancelIsolated ends the server of a call that the client has cancelled. If the server is still
// starting, the call is not sent. It reports whether the call is isolated.
func (s *session) cancelIsolated(i wire.ID) bool {
	var conn *serverConn
	var c *call
	var found bool
	s.update(func(st *state) {
		isolated := st.isolated[i]
		if found = isolated != nil; !found {
			return
		}
		if conn = isolated.conn; conn != nil {
			c = conn.pending.abandon(i)
		}
		isolated.cancelled = isolated.cancelled || c == nil
	})
	if c != nil {
		s.finish(conn, c, "cancelled", 0)
	}
	return found
}

// takeCancelled abandons a call that was cancelled before it was registered. It reports whether
// that was so.
func (s *session) takeCancelled(conn *serverConn, c *call) bool {
	var cancelled bool
	s.view(func(st *state) { cancelled = st.isolated[c.id].cancelled })
	if cancelled && conn.pending.abandon(c.id) != nil {
		s.finish(conn, c, "cancelled", 0)
	}
	return cancelled
}

func (s *session) endIsolated() {
	var all []*serverConn
	s.view(func(st *state) {
		for _, isolated := range st.isolated {
			if isolated.conn != nil {
				all = append(all, isolated.conn)
			}
		}
	})
	for _, conn := range all {
		conn.srv.Signal(unix.SIGKILL)
	}
	for _, conn := range all {
		_, _ = conn.end()
	}
}

// renumber gives a request of an isolated server a new id, because several servers may choose the
// same id.
func (s *session) renumber(conn *serverConn, data []byte, e *wire.Envelope) [][]byte {
	var raw []byte
	s.update(func(st *state) {
		st.requestCount++
		raw = wire.Quote("mcpbox-ask-" + strconv.Itoa(st.requestCount))
		st.requests[wire.ParseID(raw)] = serverRequest{conn, bytes.Clone(e.Raw(data, wire.FieldID))}
	})
	v := e.At(wire.FieldID)
	return [][]byte{data[:v.Start], raw, data[v.End:]}
}

// fromClientReply handles the client's answer to a server's request. It sends the answer to the
// isolated server that asked, and returns nil. Otherwise it returns the bytes for the main server.
func (s *session) fromClientReply(data []byte, e *wire.Envelope) []byte {
	var r serverRequest
	var found bool
	s.update(func(st *state) {
		r, found = st.requests[e.ID()]
		delete(st.requests, e.ID())
	})
	if !found {
		return data
	}
	v := e.At(wire.FieldID)
	_ = r.conn.in.Send(data[:v.Start], r.raw, data[v.End:])
	return nil
}
