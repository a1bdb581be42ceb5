package proxy

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// serverConn is one server process with its calls.
type serverConn struct {
	s          *session
	srv        launch.Server
	in         *wire.MessageWriter
	pending    *pendingCalls
	own        atomic.Uint64 // numbers the proxy's own requests
	drained    chan struct{} // closed when the server's stdout has ended
	violations protocolViolations
	onlyCall   *call // the only call of an isolated server, or nil
}

// start launches a server and reads from it. only is the call of an isolated server; nil: the
// server serves all calls.
func (s *session) start(ctx context.Context, only *call) (*serverConn, error) {
	conn := &serverConn{s: s, pending: newPendingCalls(s.cfg.Server, only),
		drained: make(chan struct{}), onlyCall: only}
	srv, err := s.cfg.Launch(ctx, conn.pending.current)
	if err != nil {
		return nil, err
	}
	conn.srv, conn.in = srv, wire.NewMessageWriter(srv.Stdin())
	go conn.readServer()
	return conn, nil
}

// event records a security event that the proxy found; c may be nil.
func (conn *serverConn) event(e monitor.Event, c *call) {
	if c != nil {
		e.Call = &monitor.Call{Server: conn.s.cfg.Server, Request: c.id.String(), Tool: c.tool()}
	}
	conn.srv.Record(e)
}

// end kills what is left of a server, reads its remaining output, and removes its sandbox.
func (conn *serverConn) end() (*mcpruntime.Result, error) {
	conn.srv.Stop()
	select {
	case <-conn.drained:
	case <-time.After(readGrace): // the client does not read
	}
	return conn.srv.End()
}
