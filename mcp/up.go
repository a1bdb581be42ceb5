package mcp

import (
	"bytes"
	"io"
	"time"
)

// up reads what the client says until it stops.
func (s *session) up() error {
	lines := newLines(s.cfg.Client.Reader, s.cfg.MaxMessage, func(e *envelope) bool { return !s.stream || e.kind == '[' })
	for {
		m, err := lines.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		l := s.current()
		switch {
		case m.part:
			err = l.in.stream(m, lines, func(size int) {
				if m.env.request() && m.env.matchable() {
					c := s.newCall(m.env, nil)
					c.bytesIn, c.cut = size, m.env.has(fArguments)
					_ = s.register(l, c)
				}
			})
		case m.over:
			s.answerTooLong(l, m)
		case m.err != nil:
			err = s.notJSON(l, m)
		case m.env.kind == '[':
			err = s.upBatch(l, m)
		default:
			if pass := s.fromClient(l, m.data, m.env); pass != nil {
				err = l.in.send(pass)
			}
		}
		if err != nil && !s.serverWentAway(l, err) {
			return err
		}
	}
}

// serverWentAway tells a write to an ended server, which is not the end of the session by itself, from a real failure.
func (s *session) serverWentAway(l *link, err error) bool {
	if err == errTorn {
		return false
	}
	select {
	case <-l.srv.Done():
	case <-time.After(time.Second): // it has closed its stdin and goes on: as it wishes
	}
	return true
}

// newCall notes a request of the client's.
func (s *session) newCall(e *envelope, data []byte) *call {
	c := &call{id: e.id(), raw: bytes.Clone(e.v[fID].raw), method: e.method(), began: time.Now(), bytesIn: len(data)}
	switch c.method {
	case "tools/call", "prompts/get":
		c.name = e.text(fName)
	case "resources/read", "resources/subscribe":
		c.name = e.text(fURI)
	}
	if s.cfg.Audit != nil && data != nil && c.method == "tools/call" {
		c.args = bytes.Clone(e.of(data, fArguments))
	}
	return c
}

// fromClient decides about one message and returns what is to be sent on, nil if nothing.
func (s *session) fromClient(l *link, data []byte, e *envelope) []byte {
	switch {
	case e.request() && e.matchable():
		return s.request(l, data, e)
	case e.request():
		return s.malformed(l, data, e, "its id is no text and no number, or too long")
	case s.rules.constrain && e.disguises&inMessage != 0:
		return s.malformed(l, data, e, errDisguised)
	case e.notification():
		return s.notification(l, data, e)
	case e.response():
		return s.reply(l, data, e)
	case s.rules.constrain:
		return s.malformed(l, data, e, "it is no request, no notification and no answer")
	}
	return data // the server may make of it what it can
}

const errDisguised = "a member's name differs in case from one that rules look at"

// malformed keeps from the server what it could understand otherwise than the rules do.
func (s *session) malformed(l *link, data []byte, e *envelope, why string) []byte {
	c := s.newCall(e, data)
	c.id, c.raw = "", nil
	s.refuse(l, c, &refusal{layer: LayerProtocol, reason: why})
	_ = s.client.send([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}` + "\n"))
	return nil
}

func (s *session) request(l *link, data []byte, e *envelope) []byte {
	c := s.newCall(e, data)
	s.remember(c, data, e)
	if r := s.judge(l, c, e, data); r != nil {
		s.refuse(l, c, r)
		return nil
	}
	if s.tools.mustKnow(c) {
		s.park(l, c, bytes.Clone(data), e)
		return nil
	}
	return s.admit(l, c, data)
}

// admit registers a call that may be made and returns what to send. The answer can't come before the message is sent.
func (s *session) admit(l *link, c *call, data []byte) []byte {
	if s.cfg.Isolate && c.method == "tools/call" {
		s.isolate(c, bytes.Clone(data))
		return nil
	}
	if !s.register(l, c) {
		return nil
	}
	return data
}

func (s *session) register(l *link, c *call) bool {
	if s.cfg.Audit != nil && c.works() {
		c.before, c.metered = l.srv.Usage(), true
	}
	s.watchLimits(l, c)
	err := l.flight.add(c)
	if err == nil {
		return true
	}
	if c.stop != nil {
		c.stop()
	}
	switch err {
	case errGone:
		_ = s.client.send(rpcError(c, -32000, "The server has ended."))
	default:
		s.refuse(l, c, &refusal{layer: LayerProtocol, reason: err.Error(), say: "The request's id is in use."})
	}
	return false
}

func (s *session) notification(l *link, data []byte, e *envelope) []byte {
	switch method := e.method(); {
	case ruled(method):
		if s.rules.constrain { // some servers do the work all the same
			s.refuse(l, s.newCall(e, data), &refusal{layer: LayerProtocol, reason: "the request has no id: its answer could not be held to the rules"})
			return nil
		}
		s.record(l, s.newCall(e, data), Record{Decision: "allowed", Outcome: "no_answer", Reason: "it has no id"})
	case method == "notifications/cancelled":
		i := idOf(e.v[fRequestID].raw)
		if s.unpark(i) {
			return nil
		}
		if s.cancelIsolated(i) {
			return nil
		}
		if c := l.flight.giveUp(i); c != nil {
			s.finish(l, c, "cancelled", 0)
			s.outlast(l, c)
		}
	case method == "notifications/initialized":
		s.mu.Lock()
		s.handshake.initialized = bytes.Clone(data)
		s.mu.Unlock()
	}
	return data
}

// notJSON deals with a line of the client's that is no JSON. Where rules apply nothing passes that can't be read.
func (s *session) notJSON(l *link, m message) error {
	if !s.rules.constrain {
		return l.in.send(m.data)
	}
	return s.client.send([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}` + "\n"))
}

func (s *session) answerTooLong(l *link, m message) {
	if m.err != nil || !m.env.request() {
		s.cfg.Warn("a message of the client's was longer than %d bytes and is not passed on", s.cfg.MaxMessage)
		return
	}
	c := s.newCall(m.env, nil)
	s.refuse(l, c, &refusal{layer: LayerLimit, reason: "the request is longer than a message may be", say: "The request is too long."})
}
