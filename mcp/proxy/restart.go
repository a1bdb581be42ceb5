package proxy

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
)

// restart replaces a server that hangs. Calls in flight are answered with an error, and the
// client's handshake is replayed. What the old server held in memory is lost.
func (s *session) restart(conn *serverConn, why string) {
	var old, last bool
	s.update(func(st *state) {
		switch {
		case st.main != conn || st.replacing || st.phase == ended:
			old = true
		case st.phase == leaving:
			st.terminated, last = true, true
		default:
			st.replacing = true
		}
	})
	switch {
	case old:
		return
	case last: // nobody needs another one
		conn.srv.Signal(unix.SIGKILL)
		return
	}
	s.cfg.Warn("the server is restarted: %s", why)
	conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium,
		Rule: monitor.RuleMCP + "restart", Reason: why, Action: "restart"}, nil)
	s.failPending(conn, "The server was restarted before it answered.")
	_, _ = conn.end()
	fresh, err := s.start(context.Background(), nil)
	if err == nil {
		if err = s.replayHandshake(context.Background(), fresh); err != nil {
			_, _ = fresh.end()
		}
	}
	if err != nil {
		s.cfg.Warn("restart: %v", err)
	}
	s.update(func(st *state) {
		if err == nil {
			st.main = fresh
		}
		st.replacing = false
	})
}
