package proxy

import (
	"bytes"
	"sync"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

// protocolViolations remembers which kinds of invalid messages were reported. The user gets one
// warning for each kind. Every message is an event.
type protocolViolations struct {
	mu       sync.Mutex
	reported map[string]bool
}

// reportDropped reports a message that the client does not get.
func (conn *serverConn) reportDropped(rule, what string, sample []byte) {
	conn.report(rule, what, "dropped", sample)
}

func (conn *serverConn) report(rule, what, action string, sample []byte) {
	conn.srv.Record(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium,
		Rule: monitor.RuleMCP + rule, Reason: what, Action: action, Call: conn.pending.current()})
	conn.violations.mu.Lock()
	first := !conn.violations.reported[rule]
	if conn.violations.reported == nil {
		conn.violations.reported = map[string]bool{}
	}
	conn.violations.reported[rule] = true
	conn.violations.mu.Unlock()
	if first {
		outcome := action
		if action == "dropped" {
			outcome = "not passed on"
		}
		conn.s.cfg.Warn("the server %s; it was %s: %s", what, outcome,
			safetext.Clean(string(bytes.TrimSpace(sample)), 120))
	}
}
