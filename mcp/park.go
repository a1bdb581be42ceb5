package mcp

import (
	"bytes"
	"context"
	"time"
)

// parkedCall waits until the tools' definitions are known: the client called before it listed.
type parkedCall struct {
	l    *link
	c    *call
	data []byte
}

// park keeps a call and sees to it that the tools get listed.
func (s *session) park(l *link, c *call, data []byte, e *envelope) {
	var meta []byte
	if m := e.of(data, fMeta); bytes.Contains(m, []byte("io.modelcontextprotocol/protocolVersion")) {
		meta = m
	}
	t := s.tools
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parked = append(t.parked, parkedCall{l, c, data})
	if !t.asking {
		t.asking = true
		go s.listForParked(l, meta)
	}
}

func (s *session) listForParked(l *link, meta []byte) {
	tools, err := l.listTools(context.Background(), meta)
	if err == nil {
		s.tools.learn(l, tools, true)
	}
	t := s.tools
	for {
		t.mu.Lock()
		if len(t.parked) == 0 {
			t.asking = false
			t.mu.Unlock()
			return
		}
		p := t.parked[0]
		t.parked = t.parked[1:]
		t.mu.Unlock()
		s.unparked(p, err)
	}
}

// unparked goes on with a call where it was left.
func (s *session) unparked(p parkedCall, err error) {
	if err != nil {
		s.refuse(p.l, p.c, &refusal{layer: LayerProtocol, reason: "the server's tools can't be listed: " + err.Error(), say: "The server does not say which tools it has."})
		return
	}
	var scan scanner
	scan.feed(p.data)
	l := s.current()
	if r := s.judge(l, p.c, &scan.env, p.data); r != nil {
		s.refuse(l, p.c, r)
	} else if pass := s.admit(l, p.c, p.data); pass != nil {
		_ = l.in.send(pass)
	}
}

// unpark drops a parked call that the client has cancelled.
func (s *session) unpark(i id) bool {
	t := s.tools
	t.mu.Lock()
	defer t.mu.Unlock()
	for n, p := range t.parked {
		if p.c.id == i {
			t.parked = append(t.parked[:n:n], t.parked[n+1:]...)
			return true
		}
	}
	return false
}

// waitParked returns when no call is parked any more.
func (s *session) waitParked(ctx context.Context) {
	for {
		s.tools.mu.Lock()
		asking := s.tools.asking
		s.tools.mu.Unlock()
		if !asking {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}
