package proxy

import (
	"bytes"
	"io"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// readClient passes on what the client writes, until its side is closed.
func (s *session) readClient() error {
	lines := wire.NewMessageReader(s.cfg.Client.Reader, s.cfg.MaxMessage,
		func(e *wire.Envelope) bool { return !s.stream || e.Kind == '[' })
	for {
		m, err := lines.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		conn := s.current()
		switch {
		case m.Partial:
			err = conn.in.Stream(m, lines, func(size int) {
				if m.Env.IsRequest() && m.Env.HasUsableID() {
					c := s.newCall(m.Env, nil)
					c.bytesIn, c.cut = size, m.Env.Has(wire.FieldArguments)
					_ = s.register(conn, c)
				}
			})
		case m.TooLong:
			s.answerTooLong(conn, m)
		case m.Err != nil:
			err = s.notJSON(conn, m)
		case m.Env.Kind == '[':
			err = s.clientBatch(conn, m)
		default:
			if pass := s.fromClient(conn, m.Data, m.Env); pass != nil {
				err = conn.in.Send(pass)
			}
		}
		if err != nil && !s.serverWentAway(conn, err) {
			return err
		}
	}
}

// serverWentAway reports whether a write failed because the server has ended. In this case the
// session continues, because the server may be replaced.
func (s *session) serverWentAway(conn *serverConn, err error) bool {
	if err == wire.ErrBrokenMessage {
		return false
	}
	select {
	case <-conn.srv.Done():
	case <-time.After(time.Second): // it has closed its stdin and keeps running
	}
	return true
}

// newCall makes the call of a request.
func (s *session) newCall(e *wire.Envelope, data []byte) *call {
	c := &call{id: e.ID(), raw: bytes.Clone(e.At(wire.FieldID).Raw), method: e.Method(),
		began: time.Now(), bytesIn: len(data)}
	switch c.method {
	case "tools/call", "prompts/get":
		c.name = e.Text(wire.FieldName)
	case "resources/read", "resources/subscribe":
		c.name = e.Text(wire.FieldURI)
	}
	if s.cfg.Audit != nil && data != nil && c.method == "tools/call" {
		if args := e.Raw(data, wire.FieldArguments); len(args) <= audit.MaxArguments {
			c.args = bytes.Clone(args)
		} else {
			c.cut = true
		}
	}
	return c
}

// fromClient decides about one message. It returns what to send on; nil: nothing.
func (s *session) fromClient(conn *serverConn, data []byte, e *wire.Envelope) []byte {
	switch {
	case e.IsRequest() && e.HasUsableID():
		return s.request(conn, data, e)
	case e.IsRequest():
		return s.malformed(conn, data, e,
			"its id is neither a string nor a number, or it is too long")
	case s.constrain && e.Collisions&wire.CollisionInMessage != 0:
		return s.malformed(conn, data, e, reasonCollision)
	case e.IsNotification():
		return s.notification(conn, data, e)
	case e.IsResponse():
		return s.fromClientReply(data, e)
	case s.constrain:
		return s.malformed(conn, data, e,
			"it is neither a request nor a notification nor an answer")
	}
	return data // nothing to check
}

const reasonCollision = "some servers would take a member's name for one that has rules"

// malformed refuses a message that the server could read in another way than the rules do.
func (s *session) malformed(conn *serverConn, data []byte, e *wire.Envelope, why string) []byte {
	c := s.newCall(e, data)
	c.id, c.raw = "", nil
	s.refuse(conn, c, &refusal{layer: access.LayerProtocol, reason: why})
	_ = s.client.Send([]byte(`{"jsonrpc":"2.0","id":null,` +
		`"error":{"code":-32600,"message":"Invalid Request"}}` + "\n"))
	return nil
}

func (s *session) request(conn *serverConn, data []byte, e *wire.Envelope) []byte {
	c := s.newCall(e, data)
	s.remember(c, data, e)
	if r := s.judge(conn, c, e, data); r != nil {
		s.refuse(conn, c, r)
		return nil
	}
	if s.tools.needsListing(c) {
		s.deferUntilListed(conn, c, bytes.Clone(data), e)
		return nil
	}
	return s.admit(conn, c, data)
}

// admit registers an allowed call and returns the bytes to send. A call is registered before it is
// sent, so that its answer finds it.
func (s *session) admit(conn *serverConn, c *call, data []byte) []byte {
	if s.cfg.Isolate && c.method == "tools/call" {
		s.isolate(c, bytes.Clone(data))
		return nil
	}
	if !s.register(conn, c) {
		return nil
	}
	return data
}

func (s *session) register(conn *serverConn, c *call) bool {
	if s.cfg.Audit != nil && c.attributable() {
		c.before, c.metered = conn.srv.Usage(), true
	}
	s.watchLimits(conn, c)
	err := conn.pending.add(c)
	if err == nil {
		return true
	}
	if c.stop != nil {
		c.stop()
	}
	switch err {
	case errServerGone:
		_ = s.client.Send(rpcError(c, -32000, "The server has ended."))
	default:
		s.refuse(conn, c, &refusal{layer: access.LayerProtocol, reason: err.Error(),
			say: "The request's id is already in use."})
	}
	return false
}

func (s *session) notification(conn *serverConn, data []byte, e *wire.Envelope) []byte {
	if why := unclearMethod(e); why != "" && s.constrain {
		return s.malformed(conn, data, e, why)
	}
	switch method := e.Method(); {
	case isRuled(method):
		if s.constrain { // some servers execute it anyway
			s.refuse(conn, s.newCall(e, data),
				&refusal{layer: access.LayerProtocol,
					reason: "the request has no id, so rules can't apply to its answer"})
			return nil
		}
		s.record(conn, s.newCall(e, data),
			audit.Record{Decision: "allowed", Outcome: "no_answer", Reason: "it has no id"})
	case method == "notifications/cancelled":
		i := wire.ParseID(e.At(wire.FieldRequestID).Raw)
		if s.dropDeferred(i) {
			return nil
		}
		if s.cancelIsolated(i) {
			return nil
		}
		if c := conn.pending.abandon(i); c != nil {
			s.finish(conn, c, "cancelled", 0)
			s.watchCancelled(conn, c)
		}
	case method == "notifications/initialized":
		notification := bytes.Clone(data)
		s.update(func(st *state) { st.handshake.initialized = notification })
	}
	return data
}

// notJSON handles a line from the client that is not JSON. Where rules apply, the line does not
// pass.
func (s *session) notJSON(conn *serverConn, m wire.Message) error {
	if !s.constrain {
		return conn.in.Send(m.Data)
	}
	return s.parseError()
}

func (s *session) parseError() error {
	return s.client.Send([]byte(`{"jsonrpc":"2.0","id":null,` +
		`"error":{"code":-32700,"message":"Parse error"}}` + "\n"))
}

// answerTooLong answers a message of which only the beginning is held.
func (s *session) answerTooLong(conn *serverConn, m wire.Message) {
	if m.Err != nil {
		s.cfg.Warn("dropped a message from the client that is not JSON: %v", m.Err)
		_ = s.parseError() // of a client that has gone
		return
	}
	if !m.Env.IsRequest() {
		s.cfg.Warn("dropped a message from the client: it is longer than %d bytes",
			s.cfg.MaxMessage)
		return
	}
	c := s.newCall(m.Env, nil)
	s.refuse(conn, c, &refusal{layer: access.LayerLimit,
		reason: "the request exceeds the maximum size of a message",
		say:    "The request is too long."})
}
