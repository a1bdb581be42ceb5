package proxy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/monitor"
)

// handshake holds the client's first messages. They are replayed to a server that replaces another.
type handshake struct {
	initialize  []byte // the params
	initialized []byte // the whole notification
}

// remember keeps the client's handshake. It also detects protocol versions without a handshake.
func (s *session) remember(c *call, data []byte, e *wire.Envelope) {
	switch c.method {
	case "initialize":
		params := bytes.Clone(e.Raw(data, wire.FieldParams))
		s.update(func(st *state) { st.handshake.initialize = params })
	case "tools/call", "tools/list":
		if !s.modern.Load() && bytes.Contains(e.Raw(data, wire.FieldMeta),
			[]byte(`"io.modelcontextprotocol/protocolVersion"`)) {
			s.modern.Store(true)
		}
	}
}

// replayHandshake repeats the client's handshake with a new server.
func (s *session) replayHandshake(ctx context.Context, conn *serverConn) error {
	var h handshake
	s.view(func(st *state) { h = st.handshake })
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

// checkServerInfo applies the version layer to the version that the server reports.
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
	version := cmp.Or(s.cfg.Version, who.Version)
	v := s.policy.CheckVersion(s.cfg.Server, version)
	s.update(func(st *state) {
		st.version, st.answered = safetext.Clean(version, 64), true
	})
	if v.Allowed {
		return conn.checkInstructions(c, data, e)
	}
	conn.event(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.High,
		Rule:   monitor.RuleMCP + string(v.Layer),
		Reason: v.Reason, Action: "refused", Hint: v.Hint}, nil)
	s.record(conn, c, audit.Record{Decision: "refused", Layer: string(v.Layer), Reason: v.Reason})
	return [][]byte{rpcError(c, -32600, "This server is not available.")}
}

// checkInstructions compares the server's instructions with the approved ones. Changed instructions
// are reported. They are removed if the policy refuses changed tools.
func (conn *serverConn) checkInstructions(c *call, data []byte, e *wire.Envelope) [][]byte {
	s := conn.s
	changed := s.cfg.Pins.InstructionsChanged(wire.Unquote(e.Raw(data, wire.FieldInstructions)))
	if changed == "" {
		return [][]byte{data}
	}
	action, severity := "flagged", monitor.Medium
	if s.tools.refuses {
		action, severity = "refused", monitor.High
	}
	conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: severity, Action: action,
		Rule:   monitor.RuleMCP + string(access.LayerPin),
		Reason: "the server's instructions have changed: " + changed, Hint: pinHint}, nil)
	s.record(conn, c, audit.Record{Decision: action, Layer: string(access.LayerPin),
		Reason: changed})
	if !s.tools.refuses {
		return [][]byte{data}
	}
	result := e.At(wire.FieldResult)
	kept := slices.DeleteFunc(wire.Members(data[result.Start:result.End]),
		func(m wire.Member) bool { return m.Key == "instructions" })
	return [][]byte{data[:result.Start], wire.EncodeObject(kept), data[result.End:]}
}

// checkVersion refuses every request to a server that has not reported an allowed version.
func (s *session) checkVersion(c *call) *refusal {
	if c.isHandshake() || c.method == "ping" {
		return nil
	}
	v := s.policy.CheckVersion(s.cfg.Server, s.serverVersion())
	if v.Allowed {
		return nil
	}
	return refusedBy(v, "This server is not available.", -32600)
}
