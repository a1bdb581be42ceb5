package mcp

import (
	"bytes"
	"io"
	"strings"
	"time"
)

// down reads what the server says until its stdout comes to its end.
func (l *link) down() {
	defer close(l.read)
	s := l.s
	lines := newLines(l.srv.Stdout(), s.cfg.MaxMessage, func(e *envelope) bool { return !s.stream || e.kind == '[' || l.flight.listening() })
	for {
		m, err := lines.next()
		if err != nil {
			return
		}
		switch {
		case m.part:
			err = s.client.stream(m, lines, func(size int) { l.streamed(m, size) })
			if err == errTorn {
				s.cfg.Warn("the server: %v; the session ends", err)
			}
		case m.over && m.err == nil:
			l.tooLong(m)
		case m.err != nil:
			l.suspicious("junk", "wrote a line that is not JSON", m.data)
		case m.env.kind == '[':
			err = l.downBatch(m)
		default:
			if pass := l.fromServer(m.data, m.env); pass != nil {
				err = s.client.send(pass...)
			}
		}
		if err != nil { // the client is gone, or what it got is torn: let the server's writes go nowhere
			_, _ = io.Copy(io.Discard, l.srv.Stdout())
			return
		}
	}
}

// fromServer decides about one message and returns the pieces to be sent on, nil if nothing.
func (l *link) fromServer(data []byte, e *envelope) [][]byte {
	twofold := e.has(fMethod) && (e.has(fResult) || e.has(fError)) || e.disguises&inMessage != 0 && !l.s.stream
	switch {
	case e.response():
		return l.answer(data, e)
	case twofold:
		l.suspicious("junk", "wrote a message that could be read in two ways", data)
		return nil
	case e.has(fMethod):
		return l.fromServerAsking(data, e)
	case e.has(fError): // to a request whose id it could not read
		return [][]byte{data}
	}
	l.suspicious("junk", "wrote JSON that is no message of the protocol", data)
	return nil
}

// fromServerAsking handles requests and notifications.
func (l *link) fromServerAsking(data []byte, e *envelope) [][]byte {
	switch {
	case l.only == nil:
	case e.request():
		return l.s.renumber(l, data, e)
	case strings.HasSuffix(e.method(), "/list_changed"): // of a server that lives for one call
		return nil
	}
	return [][]byte{data}
}

// answer matches a response with its request.
func (l *link) answer(data []byte, e *envelope) [][]byte {
	s, i := l.s, e.id()
	c := l.flight.remove(i)
	if c == nil {
		if l.flight.wasLate(i) {
			return nil // the client has given up on it, or has been answered already
		}
		l.suspicious("unasked", "answered a request that nobody made", data)
		return nil
	}
	if c.private != nil {
		c.private <- answer{data: bytes.Clone(data), env: *e}
		return nil
	}
	outcome := e.outcome()
	pieces := [][]byte{data}
	switch {
	case (e.disguises&inMessage != 0 || e.disguises&inResult != 0 && c.ruled() || e.has(fResult) && e.v[fResult].kind != 'n' && e.failed()) && !s.stream:
		l.suspicious("junk", "gave an answer that could be read in two ways", data)
		pieces, outcome = [][]byte{s.refused(c, &refusal{say: notWellFormed, code: -32603})}, "error"
	case !c.marked() && l.forged(data, e):
		l.suspicious("forged", "gave an answer with mcpbox's own mark in it", data)
		pieces, outcome = [][]byte{s.refused(c, &refusal{say: notWellFormed, code: -32603})}, "error"
	case e.failed() && c.marked():
		pieces = l.markError(c, data, e)
	case e.has(fResult):
		pieces = l.transform(c, data, e)
	}
	if c.over != nil { // the server ends with its call: the answer first
		_ = s.client.send(pieces...)
		pieces = nil
	}
	s.finish(l, c, outcome, len(data))
	return pieces
}

const notWellFormed = "The server's answer is not well formed."

// transform applies the rules to a result.
func (l *link) transform(c *call, data []byte, e *envelope) [][]byte {
	switch {
	case c.marked():
		return l.mark(c, data, e)
	case e.v[fResult].kind != '{':
		return [][]byte{data}
	}
	switch {
	case c.lists():
		return l.filter(c, data, e)
	case c.introduces():
		return l.introduced(c, data, e)
	}
	return [][]byte{data}
}

// streamed accounts for a message that was passed on in pieces.
func (l *link) streamed(m message, size int) {
	if !m.env.response() {
		return
	}
	c := l.flight.remove(m.env.id())
	switch {
	case c != nil:
		l.s.finish(l, c, m.env.outcome(), size)
	case !l.flight.wasLate(m.env.id()):
		l.report("unasked", "answered a request that nobody made, with a message too long to be kept back", "passed on", m.data)
	}
}

// tooLong answers in place of a message that no rule can look at.
func (l *link) tooLong(m message) {
	if !m.env.response() {
		l.suspicious("too-long", "sent a message longer than a message may be", m.data[:min(len(m.data), 200)])
		return
	}
	c := l.flight.remove(m.env.id())
	switch {
	case c == nil:
		return
	case c.private != nil:
		c.private <- answer{err: errSyntax}
		return
	}
	l.suspicious("too-long", "answered with a message longer than a message may be", m.data[:min(len(m.data), 200)])
	l.s.finish(l, c, "error", len(m.data))
	_ = l.s.client.send(l.s.refused(c, &refusal{say: "The answer is too long.", code: -32603}))
}

// finish writes the audit record of a call that is over.
func (s *session) finish(l *link, c *call, outcome string, size int) {
	if c.stop != nil {
		c.stop()
	}
	if c.over != nil {
		defer c.over()
	}
	if s.cfg.Audit == nil || !c.works() {
		return
	}
	r := Record{Decision: "allowed", Outcome: outcome, Duration: time.Since(c.began).Seconds(), BytesOut: size, Events: c.events.Load(), Shared: c.shared.Load()}
	if c.metered {
		u := l.srv.Usage()
		if u.CPU >= 0 && c.before.CPU >= 0 {
			r.CPUTime = (u.CPU - c.before.CPU).Seconds()
		}
		if u.MemoryPeak >= 0 && c.before.MemoryPeak >= 0 {
			r.MemoryGrowth = u.MemoryPeak - c.before.MemoryPeak
		}
	}
	s.record(l, c, r)
}
