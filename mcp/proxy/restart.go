package proxy

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
)

// restart replaces a server that hangs. It answers calls in flight with an error, and replays the
// client's handshake. The state of the old server is lost.
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
	case last: // the session ends: no new server is needed
		conn.srv.Signal(unix.SIGKILL)
		return
	}
	s.cfg.Warn("restarting the server: %s", why)
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
