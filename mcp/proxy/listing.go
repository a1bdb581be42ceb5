package proxy

import (
	"bytes"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/monitor"
)

// filter removes refused items from a listing, and remembers the tools.
func (conn *serverConn) filter(c *call, data []byte, e *wire.Envelope) [][]byte {
	s := conn.s
	f, kind, member := wire.FieldTools, access.KindTool, "name"
	switch c.method {
	case "resources/list":
		f, kind, member = wire.FieldResources, access.KindResource, "uri"
	case "resources/templates/list":
		f, kind, member = wire.FieldTemplates, access.KindTemplate, "uriTemplate"
	case "prompts/list":
		f, kind = wire.FieldPrompts, access.KindPrompt
	}
	v := e.At(f)
	if v.Kind != '[' {
		return [][]byte{data}
	}
	all := elements(data, v.Start)
	var changed, left map[string]bool
	if kind == access.KindTool {
		changed, left = s.tools.update(conn, all, !e.Has(wire.FieldCursor))
	}
	var kept [][]byte
	for _, raw := range all {
		name, ok := wire.StringMember(raw, member)
		if kind == access.KindTool {
			if name, ok = toolName(raw); !ok {
				conn.reportAmbiguous(raw)
			}
		}
		switch {
		case !s.constrain:
		case !ok:
			continue
		case kind == access.KindTool && (left[name] || s.tools.refuses && changed[name]):
			continue
		case !s.rules.Check(s.item(kind, name)).Allowed:
			continue
		}
		kept = append(kept, raw)
	}
	if len(kept) == len(all) {
		return [][]byte{data}
	}
	return [][]byte{data[:v.Start], []byte("["), bytes.Join(kept, []byte(",")), []byte("]"),
		data[v.End:]}
}

// reportAmbiguous reports a tool whose definition can be read in two ways.
func (conn *serverConn) reportAmbiguous(raw []byte) {
	action := "flagged"
	if conn.s.constrain {
		action = "refused"
	}
	conn.event(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Medium,
		Rule: monitor.RuleMCP + string(access.LayerProtocol), Action: action,
		Reason: "a tool's definition has no name, or has a member twice or in two spellings: " +
			safetext.Clean(string(raw), 80)}, nil)
}
