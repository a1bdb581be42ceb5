package proxy

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
)

// restart puts a new server in the place of one that hangs. Calls in flight are answered; the client's handshake is said
// again. What the old server held in memory is gone.
func (s *session) restart(conn *serverConn, why string) {
	s.mu.Lock()
	if s.main != conn || s.replacing != nil || s.ended {
		s.mu.Unlock()
		return
	}
	if s.leaving {
		s.terminated = true
		s.mu.Unlock()
		conn.srv.Signal(unix.SIGKILL)
		return
	}
	ready := make(chan struct{})
	s.replacing = ready
	s.mu.Unlock()

	s.cfg.Warn("the server is restarted: %s", why)
	conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium, Rule: monitor.RuleMCP + "restart", Reason: why, Action: "restart"}, nil)
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
	s.mu.Lock()
	if err == nil {
		s.main = fresh
	}
	s.replacing = nil
	s.mu.Unlock()
	close(ready)
	s.restarts <- struct{}{}
}
