package proxy

import (
	"bytes"
	"sync"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

// protocolViolations counts what a server wrote that is no answer to anything. The recorder folds the events; stderr hears of the first.
type protocolViolations struct {
	mu       sync.Mutex
	reported map[string]bool
}

// reportDropped reports what is kept from the client.
func (conn *serverConn) reportDropped(rule, what string, sample []byte) {
	conn.report(rule, what, "dropped", sample)
}

func (conn *serverConn) report(rule, what, action string, sample []byte) {
	conn.srv.Record(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium, Rule: monitor.RuleMCP + rule, Reason: what, Action: action, Call: conn.pending.current()})
	conn.violations.mu.Lock()
	first := !conn.violations.reported[rule]
	if conn.violations.reported == nil {
		conn.violations.reported = map[string]bool{}
	}
	conn.violations.reported[rule] = true
	conn.violations.mu.Unlock()
	if first {
		fate := action
		if action == "dropped" {
			fate = "kept from the client"
		}
		conn.s.cfg.Warn("the server %s; it was %s: %s", what, fate, safetext.Clean(string(bytes.TrimSpace(sample)), 120))
	}
}
