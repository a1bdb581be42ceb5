package proxy

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// readServer passes on what the server writes, until its stdout ends.
func (conn *serverConn) readServer() {
	defer close(conn.drained)
	s := conn.s
	lines := wire.NewMessageReader(conn.srv.Stdout(), s.cfg.MaxMessage,
		func(e *wire.Envelope) bool {
			return !s.stream || e.Kind == '[' ||
				conn.pending.mustInspect()
		})
	for {
		m, err := lines.Next()
		if err != nil {
			return
		}
		switch {
		case m.Partial:
			err = s.client.Stream(m, lines, func(size int) { conn.streamed(m, size) })
			if err == wire.ErrBrokenMessage {
				s.cfg.Warn("the server: %v; the session ends", err)
			}
		case m.TooLong && m.Err == nil:
			conn.tooLong(m)
		case m.Err != nil:
			conn.reportDropped("malformed", "wrote a line that is not JSON", m.Data)
		case m.Env.Kind == '[':
			err = conn.serverBatch(m)
		default:
			if pass := conn.fromServer(m.Data, m.Env); pass != nil {
				err = s.client.Send(pass...)
			}
		}
		if err != nil { // the client is gone, or it got half a message: discard the rest
			_, _ = io.Copy(io.Discard, conn.srv.Stdout())
			return
		}
	}
}

// fromServer decides about one message. It returns the pieces to pass on; nil: none.
func (conn *serverConn) fromServer(data []byte, e *wire.Envelope) [][]byte {
	ambiguous := e.Has(wire.FieldMethod) && (e.Has(wire.FieldResult) || e.Has(wire.FieldError)) ||
		e.Collisions&wire.CollisionInMessage != 0 && !conn.s.stream
	switch {
	case e.IsResponse():
		return conn.answer(data, e)
	case ambiguous:
		conn.reportDropped("malformed", "wrote an ambiguous message", data)
		return nil
	case e.Has(wire.FieldMethod):
		return conn.strip(conn.fromServerRequest(data, e))
	case e.Has(wire.FieldError): // an error without an id: the server could not read a request
		return conn.strip([][]byte{data})
	}
	conn.reportDropped("malformed", "wrote JSON that is not an MCP message", data)
	return nil
}

// fromServerRequest handles requests and notifications.
func (conn *serverConn) fromServerRequest(data []byte, e *wire.Envelope) [][]byte {
	switch {
	case conn.onlyCall == nil:
	case e.IsRequest():
		return conn.s.renumber(conn, data, e)
	case strings.HasSuffix(e.Method(), "/list_changed"): // this server only lives for one call
		return nil
	}
	return [][]byte{data}
}

// answer matches a response with its request.
func (conn *serverConn) answer(data []byte, e *wire.Envelope) [][]byte {
	s, i := conn.s, e.ID()
	c := conn.pending.remove(i)
	if c == nil {
		if conn.pending.wasAbandoned(i) {
			return nil // the client cancelled it, or already has an answer
		}
		conn.reportDropped("unasked", "answered a request that does not exist", data)
		return nil
	}
	if c.reply != nil {
		c.reply <- answer{data: bytes.Clone(data), env: *e}
		return nil
	}
	outcome := e.Outcome()
	if outcome != "ok" {
		s.tellReadOnly(data)
	}
	pieces := [][]byte{data}
	switch {
	case (e.Collisions&wire.CollisionInMessage != 0 ||
		e.Collisions&wire.CollisionInResult != 0 && c.isInspected() ||
		e.Has(wire.FieldResult) && e.At(wire.FieldResult).Kind != 'n' &&
			e.Failed()) && !s.stream:
		conn.reportDropped("malformed", "gave an ambiguous answer", data)
		pieces, outcome = [][]byte{s.refused(c, &refusal{say: notWellFormed, code: -32603})},
			"error"
	case !c.isToolResult() && conn.forgesMark(data, e):
		conn.reportDropped("forged", "forged mcpbox's mark in an answer", data)
		pieces, outcome = [][]byte{s.refused(c, &refusal{say: notWellFormed, code: -32603})},
			"error"
	case e.Failed() && c.isToolResult():
		pieces = conn.markError(c, data, e)
	case e.Has(wire.FieldResult):
		pieces = conn.transform(c, data, e)
	}
	if !c.isToolResult() {
		pieces = conn.strip(pieces)
	}
	if c.over != nil { // the server ends with its call: send the answer before that
		_ = s.client.Send(pieces...)
		pieces = nil
	}
	s.finish(conn, c, outcome, len(data))
	return pieces
}

const notWellFormed = "The server's answer is not well formed."

// transform applies the rules to a result.
func (conn *serverConn) transform(c *call, data []byte, e *wire.Envelope) [][]byte {
	switch {
	case c.isToolResult():
		return conn.mark(c, data, e)
	case e.At(wire.FieldResult).Kind != '{':
		return [][]byte{data}
	}
	switch {
	case c.isListing():
		return conn.filter(c, data, e)
	case c.isHandshake():
		return conn.checkServerInfo(c, data, e)
	}
	return [][]byte{data}
}

// streamed ends a call after its answer was passed on in pieces.
func (conn *serverConn) streamed(m wire.Message, size int) {
	if !m.Env.IsResponse() {
		return
	}
	c := conn.pending.remove(m.Env.ID())
	switch {
	case c != nil:
		conn.s.finish(conn, c, m.Env.Outcome(), size)
	case !conn.pending.wasAbandoned(m.Env.ID()):
		conn.report("unasked", "answered a request that does not exist, with a message too "+
			"long to be held back", "passed on", m.Data)
	}
}

// tooLong sends an error in place of an answer that exceeds the limit.
func (conn *serverConn) tooLong(m wire.Message) {
	if !m.Env.IsResponse() {
		conn.reportDropped("too-long", "wrote a message above the maximum size",
			m.Data[:min(len(m.Data), 200)])
		return
	}
	c := conn.pending.remove(m.Env.ID())
	switch {
	case c == nil:
		return
	case c.reply != nil:
		c.reply <- answer{err: wire.ErrSyntax}
		return
	}
	conn.reportDropped("too-long", "wrote an answer above the maximum size",
		m.Data[:min(len(m.Data), 200)])
	conn.s.finish(conn, c, "error", len(m.Data))
	_ = conn.s.client.Send(conn.s.refused(c,
		&refusal{say: "The answer is too long.", code: -32603}))
}

// finish writes the audit record of a call that is over.
func (s *session) finish(conn *serverConn, c *call, outcome string, size int) {
	if c.stop != nil {
		c.stop()
	}
	if c.over != nil {
		defer c.over()
	}
	if s.cfg.Audit == nil || !c.attributable() {
		return
	}
	r := audit.Record{Decision: "allowed", Outcome: outcome,
		Duration: time.Since(c.began).Seconds(), BytesOut: size, Events: c.events.Load(),
		Shared: c.shared.Load()}
	if c.metered {
		u := conn.srv.Usage()
		if u.CPU >= 0 && c.before.CPU >= 0 {
			r.CPUTime = (u.CPU - c.before.CPU).Seconds()
		}
		if u.MemoryPeak >= 0 && c.before.MemoryPeak >= 0 {
			r.MemoryGrowth = u.MemoryPeak - c.before.MemoryPeak
		}
	}
	s.record(conn, c, r)
}
