package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/monitor"
)

// handshake is what the client said when it began: said again to a server that takes another's place.
type handshake struct {
	initialize  []byte // the params
	initialized []byte // the whole notification
}

// remember keeps the client's handshake, and notes a client of the protocol without one.
func (s *session) remember(c *call, data []byte, e *wire.Envelope) {
	switch c.method {
	case "initialize":
		s.mu.Lock()
		s.handshake.initialize = bytes.Clone(e.Raw(data, wire.FieldParams))
		s.mu.Unlock()
	case "tools/call", "tools/list":
		if !s.modern.Load() && bytes.Contains(e.Raw(data, wire.FieldMeta), []byte(`"io.modelcontextprotocol/protocolVersion"`)) {
			s.modern.Store(true)
		}
	}
}

// replayHandshake makes the handshake with a new server on the client's behalf.
func (s *session) replayHandshake(ctx context.Context, conn *serverConn) error {
	s.mu.Lock()
	h := s.handshake
	s.mu.Unlock()
	if h.initialize == nil {
		return nil
	}
	if _, err := conn.ask(ctx, "initialize", h.initialize); err != nil {
		return err
	}
	if h.initialized == nil {
		return nil
	}
	return conn.in.Send(h.initialized)
}

// checkServerInfo looks at who the server says it is: the version layer.
func (conn *serverConn) checkServerInfo(c *call, data []byte, e *wire.Envelope) [][]byte {
	s := conn.s
	type info struct{ Name, Version string }
	var result struct {
		ServerInfo *info `json:"serverInfo"`
		Meta       struct {
			ServerInfo *info `json:"io.modelcontextprotocol/serverInfo"`
		} `json:"_meta"`
	}
	_ = json.Unmarshal(e.Raw(data, wire.FieldResult), &result)
	who := result.ServerInfo
	if who == nil {
		who = result.Meta.ServerInfo
	}
	if who == nil {
		who = &info{}
	}
	reason := versionProblem(s.rules.Section.Server.Version, who.Version)
	s.mu.Lock()
	s.version, s.versionProblem = safetext.Clean(who.Version, 64), reason
	s.serverInfoSeen = true
	s.mu.Unlock()
	if reason == "" {
		return [][]byte{data}
	}
	conn.event(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.High, Rule: monitor.RuleMCP + string(access.LayerVersion), Reason: reason, Action: "refused",
		Hint: s.hintFor(c, access.LayerVersion)}, nil)
	s.record(conn, c, audit.Record{Decision: "refused", Layer: string(access.LayerVersion), Reason: reason})
	return [][]byte{rpcError(c, -32600, "This server is not available.")}
}

// versionProblem says what is wrong with a version, or "".
func versionProblem(allowed, version string) string {
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

// checkVersion refuses every request to a server that has not said it is of a version that may be used.
func (s *session) checkVersion(c *call) *refusal {
	if s.rules.Section.Server.Version == "" || c.method == "initialize" || c.method == "server/discover" || c.method == "ping" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serverInfoSeen && s.versionProblem == "" {
		return nil
	}
	reason := s.versionProblem
	if reason == "" {
		reason = "the server has not said its version yet"
	}
	return &refusal{layer: access.LayerVersion, reason: reason, say: "This server is not available.", code: -32600}
}
