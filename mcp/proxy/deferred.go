package proxy

import (
	"bytes"
	"context"
	"slices"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// deferredCall waits until the tools' definitions are known: the client called before it listed.
type deferredCall struct {
	conn *serverConn
	c    *call
	data []byte
}

const maxDeferred = 1000

// deferUntilListed keeps a call until the tools are listed, and starts the listing.
func (s *session) deferUntilListed(conn *serverConn, c *call, data []byte, e *wire.Envelope) {
	var meta []byte
	if m := e.Raw(data, wire.FieldMeta); bytes.Contains(m,
		[]byte("io.modelcontextprotocol/protocolVersion")) {
		meta = m
	}
	var listing, full bool
	s.update(func(st *state) {
		held := len(data)
		for _, d := range st.deferred {
			held += len(d.data)
		}
		if full = held > s.cfg.MaxMessage || len(st.deferred) >= maxDeferred; full {
			return
		}
		st.deferred = append(st.deferred, deferredCall{conn, c, data})
		listing, st.listing = st.listing, true
	})
	switch {
	case full:
		s.refuse(conn, c, &refusal{layer: access.LayerLimit,
			reason: "too many calls wait for the list of tools", say: "Too many calls at once."})
	case !listing:
		go s.listForDeferred(conn, meta)
	}
}

func (s *session) listForDeferred(conn *serverConn, meta []byte) {
	tools, err := conn.listTools(context.Background(), meta)
	if err == nil {
		s.tools.update(conn, tools, true)
	}
	for {
		var next deferredCall
		var more bool
		s.update(func(st *state) {
			if more = len(st.deferred) > 0; more {
				next, st.deferred = st.deferred[0], st.deferred[1:]
			}
			st.listing = more
		})
		if !more {
			return
		}
		s.resume(next, err)
	}
}

// resume continues with a deferred call.
func (s *session) resume(d deferredCall, err error) {
	if err != nil {
		s.refuse(d.conn, d.c, &refusal{layer: access.LayerProtocol,
			reason: "the server's tools can't be listed: " + err.Error(),
			say:    "The server did not list its tools."})
		return
	}
	env, _ := wire.Scan(d.data)
	conn := s.current()
	if r := s.judge(conn, d.c, env, d.data); r != nil {
		s.refuse(conn, d.c, r)
	} else if pass := s.admit(conn, d.c, d.data); pass != nil {
		_ = conn.in.Send(pass)
	}
}

// dropDeferred drops the call that the client has cancelled, if it is deferred, and reports whether
// it was.
func (s *session) dropDeferred(i wire.ID) (found bool) {
	s.update(func(st *state) {
		at := slices.IndexFunc(st.deferred, func(d deferredCall) bool { return d.c.id == i })
		if found = at >= 0; found {
			st.deferred = slices.Delete(st.deferred, at, at+1)
		}
	})
	return found
}
