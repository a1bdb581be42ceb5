package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/monitor"
)

// handshake is what the client said when it began: said again to a server that takes another's place.
type handshake struct {
	initialize  []byte // the params
	initialized []byte // the whole notification
}

// remember keeps the client's handshake, and notes a client of the protocol without one.
func (s *session) remember(c *call, data []byte, e *envelope) {
	switch c.method {
	case "initialize":
		s.mu.Lock()
		s.handshake.initialize = bytes.Clone(e.of(data, fParams))
		s.mu.Unlock()
	case "tools/call", "tools/list":
		if !s.modern.Load() && bytes.Contains(e.of(data, fMeta), []byte(`"io.modelcontextprotocol/protocolVersion"`)) {
			s.modern.Store(true)
		}
	}
}

// greet makes the handshake with a new server on the client's behalf.
func (s *session) greet(ctx context.Context, l *link) error {
	s.mu.Lock()
	h := s.handshake
	s.mu.Unlock()
	if h.initialize == nil {
		return nil
	}
	if _, err := l.ask(ctx, "initialize", h.initialize); err != nil {
		return err
	}
	if h.initialized == nil {
		return nil
	}
	return l.in.send(h.initialized)
}

// introduced looks at who the server says it is: the version layer.
func (l *link) introduced(c *call, data []byte, e *envelope) [][]byte {
	s := l.s
	type info struct{ Name, Version string }
	var result struct {
		ServerInfo *info `json:"serverInfo"`
		Meta       struct {
			ServerInfo *info `json:"io.modelcontextprotocol/serverInfo"`
		} `json:"_meta"`
	}
	_ = json.Unmarshal(e.of(data, fResult), &result)
	who := result.ServerInfo
	if who == nil {
		who = result.Meta.ServerInfo
	}
	if who == nil {
		who = &info{}
	}
	reason := unfit(s.rules.policy.Server.Version, who.Version)
	s.mu.Lock()
	s.version, s.unfit = safetext.Clean(who.Version, 64), reason
	s.introducedOnce = true
	s.mu.Unlock()
	if reason == "" {
		return [][]byte{data}
	}
	l.event(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.High, Rule: monitor.RuleMCP + LayerVersion, Reason: reason, Action: "refused",
		Hint: s.remedy(c, LayerVersion)}, nil)
	s.record(l, c, Record{Decision: "refused", Layer: LayerVersion, Reason: reason})
	return [][]byte{rpcError(c, -32600, "This server is not available.")}
}

// unfit says what is wrong with a version, or "".
func unfit(allowed, version string) string {
	if allowed == "" {
		return ""
	}
	r, err := semver.ParseRange(allowed)
	if err != nil {
		return err.Error()
	}
	v, err := semver.Parse(version)
	if err != nil || !r.Contains(v) {
		return fmt.Sprintf("the server says its version is %q; the policy wants %s", safetext.Clean(version, 40), allowed)
	}
	return ""
}

// fit refuses every request to a server that has not said it is of a version that may be used.
func (s *session) fit(c *call) *refusal {
	if s.rules.policy.Server.Version == "" || c.method == "initialize" || c.method == "server/discover" || c.method == "ping" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.introducedOnce && s.unfit == "" {
		return nil
	}
	reason := s.unfit
	if reason == "" {
		reason = "the server has not said its version yet"
	}
	return &refusal{layer: LayerVersion, reason: reason, say: "This server is not available.", code: -32600}
}
