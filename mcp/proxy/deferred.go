package proxy

import (
	"bytes"
	"context"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// deferredCall waits until the tools' definitions are known: the client called before it listed.
type deferredCall struct {
	conn *serverConn
	c    *call
	data []byte
}

// deferUntilListed keeps a call and sees to it that the tools get listed.
func (s *session) deferUntilListed(conn *serverConn, c *call, data []byte, e *wire.Envelope) {
	var meta []byte
	if m := e.Raw(data, wire.FieldMeta); bytes.Contains(m, []byte("io.modelcontextprotocol/protocolVersion")) {
		meta = m
	}
	t := s.tools
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deferred = append(t.deferred, deferredCall{conn, c, data})
	if !t.asking {
		t.asking = true
		go s.listForDeferred(conn, meta)
	}
}

func (s *session) listForDeferred(conn *serverConn, meta []byte) {
	tools, err := conn.listTools(context.Background(), meta)
	if err == nil {
		s.tools.update(conn, tools, true)
	}
	t := s.tools
	for {
		t.mu.Lock()
		if len(t.deferred) == 0 {
			t.asking = false
			t.mu.Unlock()
			return
		}
		p := t.deferred[0]
		t.deferred = t.deferred[1:]
		t.mu.Unlock()
		s.resume(p, err)
	}
}

// resume goes on with a call where it was left.
func (s *session) resume(p deferredCall, err error) {
	if err != nil {
		s.refuse(p.conn, p.c, &refusal{layer: access.LayerProtocol, reason: "the server's tools can't be listed: " + err.Error(), say: "The server does not say which tools it has."})
		return
	}
	env, _ := wire.Scan(p.data)
	conn := s.current()
	if r := s.judge(conn, p.c, env, p.data); r != nil {
		s.refuse(conn, p.c, r)
	} else if pass := s.admit(conn, p.c, p.data); pass != nil {
		_ = conn.in.Send(pass)
	}
}

// dropDeferred drops a parked call that the client has cancelled.
func (s *session) dropDeferred(i wire.ID) bool {
	t := s.tools
	t.mu.Lock()
	defer t.mu.Unlock()
	for n, p := range t.deferred {
		if p.c.id == i {
			t.deferred = append(t.deferred[:n:n], t.deferred[n+1:]...)
			return true
		}
	}
	return false
}

// waitDeferred returns when no call is parked any more.
func (s *session) waitDeferred(ctx context.Context) {
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
