package mcp

import (
	"bytes"
	"sync"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

// junk counts what a server wrote that is no answer to anything. The recorder folds the events; stderr hears of the first.
type junk struct {
	mu   sync.Mutex
	told map[string]bool
}

// suspicious reports what is kept from the client.
func (l *link) suspicious(rule, what string, sample []byte) {
	l.report(rule, what, "dropped", sample)
}

func (l *link) report(rule, what, action string, sample []byte) {
	l.srv.Record(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium, Rule: monitor.RuleMCP + rule, Reason: what, Action: action, Call: l.flight.now()})
	l.junk.mu.Lock()
	first := !l.junk.told[rule]
	if l.junk.told == nil {
		l.junk.told = map[string]bool{}
	}
	l.junk.told[rule] = true
	l.junk.mu.Unlock()
	if first {
		fate := action
		if action == "dropped" {
			fate = "kept from the client"
		}
		l.s.cfg.Warn("the server %s; it was %s: %s", what, fate, safetext.Clean(string(bytes.TrimSpace(sample)), 120))
	}
}
