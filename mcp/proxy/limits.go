package proxy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

const (
	usageInterval = 50 * time.Millisecond
	cancelGrace   = time.Second // how long a server may take to stop a call
)

// watchLimits applies the limits of a tool to a call. Memory and CPU time are those of the whole
// server during the call, so other calls in flight count too.
func (s *session) watchLimits(conn *serverConn, c *call) {
	if c.method != "tools/call" {
		return
	}
	limits, any := callLimits(s.cfg.Rules.Limits, c.name)
	if !any {
		return
	}
	before := conn.srv.Usage()
	if limits.Memory > 0 && before.Memory < 0 || limits.CPUTime > 0 && before.CPU < 0 {
		s.unmeasured.Do(func() {
			s.cfg.Warn("not enforced: the limits memory and cpu_time of calls, because the usage " +
				"of this server can't be measured")
		})
	}
	done := make(chan struct{})
	var once sync.Once
	c.stop = func() { once.Do(func() { close(done) }) }
	go s.enforceLimits(conn, c, limits, before, done)
}

// enforceLimits waits until the call ends or exceeds a limit. before is the usage at the start of
// the call.
func (s *session) enforceLimits(conn *serverConn, c *call, limits policies.MCPLimits,
	before launch.Usage, done <-chan struct{}) {
	var timeout, look <-chan time.Time
	if limits.Timeout > 0 {
		t := time.NewTimer(time.Duration(limits.Timeout))
		defer t.Stop()
		timeout = t.C
	}
	if limits.Memory > 0 || limits.CPUTime > 0 {
		t := time.NewTicker(usageInterval)
		defer t.Stop()
		look = t.C
	}
	for {
		select {
		case <-done:
			return
		case <-conn.srv.Done():
			return
		case <-timeout:
			limit := &monitor.Limit{Name: "timeout", Backend: "clock",
				Value:    time.Duration(limits.Timeout).Milliseconds(),
				Observed: time.Since(c.began).Milliseconds()}
			s.endOverLimit(conn, c, monitor.TimeoutExceeded, limit,
				"The call exceeded its time limit.")
			return
		case <-look:
			now := conn.srv.Usage()
			grown, used := now.Memory-before.Memory, now.CPU-before.CPU
			if limits.Memory > 0 && before.Memory >= 0 && grown > int64(limits.Memory) {
				limit := &monitor.Limit{Name: "memory", Backend: "proxy",
					Value: int64(limits.Memory), Observed: grown}
				s.endOverLimit(conn, c, monitor.ResourceLimitExceeded, limit,
					"The call exceeded its memory limit.")
				return
			}
			if limits.CPUTime > 0 && before.CPU >= 0 && used > time.Duration(limits.CPUTime) {
				limit := &monitor.Limit{Name: "cpu_time", Backend: "proxy",
					Value:    time.Duration(limits.CPUTime).Milliseconds(),
					Observed: used.Milliseconds()}
				s.endOverLimit(conn, c, monitor.ResourceLimitExceeded, limit,
					"The call exceeded its cpu time limit.")
				return
			}
		}
	}
}

// endOverLimit ends a call: it answers the client and tells the server to stop. A server that does
// not stop is replaced.
func (s *session) endOverLimit(conn *serverConn, c *call, t monitor.Type, l *monitor.Limit,
	say string) {
	if conn.pending.abandon(c.id) == nil {
		return // answered just now
	}
	conn.event(monitor.Event{Type: t, Limit: l, Action: "cancelled"}, c)
	outcome := "limit"
	if t == monitor.TimeoutExceeded {
		outcome = "timeout"
	}
	s.finish(conn, c, outcome, 0)
	_ = s.client.Send(s.toolError(c, say))
	if conn.onlyCall != nil {
		return // the call's own server ends with it
	}
	go func() { // the server may not be reading
		_ = conn.in.Send(wire.Join(`{"jsonrpc":"2.0","method":"notifications/cancelled",`,
			`"params":{"requestId":`, c.raw, `,"reason":"over its limit"}}`, "\n"))
	}()
	hung := time.NewTimer(cancelGrace)
	defer hung.Stop()
	select {
	case <-conn.srv.Done():
	case <-hung.C:
		if conn.pending.wasAbandoned(c.id) {
			s.restart(conn, fmt.Sprintf("it did not stop the call of %s that exceeded its limit",
				c.name))
		}
	}
}

// watchCancelled checks a server when the time limit of a cancelled call is reached. By the
// specification a server does not answer a cancelled call. So the proxy sends a ping: a server that
// does not answer it hangs, and is replaced.
func (s *session) watchCancelled(conn *serverConn, c *call) {
	limits, _ := callLimits(s.cfg.Rules.Limits, c.name)
	if c.method != "tools/call" || limits.Timeout == 0 {
		return
	}
	go func() {
		rest := time.NewTimer(time.Until(c.began.Add(time.Duration(limits.Timeout))))
		defer rest.Stop()
		select {
		case <-conn.srv.Done():
			return
		case <-rest.C:
		}
		if !conn.respondsToPing(cancelGrace) {
			s.restart(conn, fmt.Sprintf("it hangs in the cancelled call of %s", c.name))
		}
	}()
}

// respondsToPing reports whether the server answers a ping in time.
func (conn *serverConn) respondsToPing(within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	answered := make(chan struct{})
	go func() { // the server may not be reading
		if _, err := conn.ask(ctx, "ping", []byte("{}")); !errors.Is(err,
			context.DeadlineExceeded) {
			close(answered) // an error also counts as an answer
		}
	}()
	select {
	case <-answered:
		return true
	case <-ctx.Done():
		return false
	}
}

// callLimits returns the limits of one call of a tool. If several patterns match, the tightest
// limits apply.
func callLimits(all map[string]policies.MCPLimits, tool string) (l policies.MCPLimits, any bool) {
	if l, ok := all[tool]; ok {
		return l, l != policies.MCPLimits{}
	}
	for pattern, m := range all {
		if access.Match(pattern, tool) ||
			access.Match(wire.Canonical(pattern), wire.Canonical(tool)) {
			l.Timeout, l.Memory, l.CPUTime = tighter(l.Timeout, m.Timeout),
				tighter(l.Memory, m.Memory), tighter(l.CPUTime, m.CPUTime)
		}
	}
	return l, l != policies.MCPLimits{}
}

func tighter[T policies.Size | policies.Duration](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
