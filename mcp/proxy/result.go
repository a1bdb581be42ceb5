package proxy

import (
	"github.com/mcpbox/mcpbox/mcp/internal/mark"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

// marker returns the marker for the answer of a call; nil: the answer passes unchanged.
func (conn *serverConn) marker(c *call) *mark.Marker {
	s := conn.s
	return mark.New(&s.cfg.Rules.Output,
		mark.Provenance{Untrusted: true, Server: s.cfg.Server, Tool: c.tool(),
			Call: c.id.String(), Sandbox: conn.srv.Sandbox(), Policy: s.cfg.Policy})
}

// mark marks a tool's result as the policy requires.
func (conn *serverConn) mark(c *call, data []byte, e *wire.Envelope) [][]byte {
	m, result := conn.marker(c), e.At(wire.FieldResult)
	switch {
	case m == nil:
		return [][]byte{data}
	case result.Kind != '{': // it can't be marked
		return [][]byte{conn.s.refused(c, &refusal{say: notWellFormed, code: -32603})}
	case m.LabelsOnly():
		return m.Label(data, result, e.At(wire.FieldMeta))
	}
	fresh, withheld := m.Rebuild(data[result.Start:result.End], conn.s.tools.outputSchema(c.name))
	if withheld != "" {
		return [][]byte{conn.s.refused(c, &refusal{say: withheld, code: -32603})}
	}
	return [][]byte{data[:result.Start], fresh, data[result.End:]}
}

// forgesMark reports whether an answer contains mcpbox's mark, although mcpbox does not mark this
// kind of answer.
func (conn *serverConn) forgesMark(data []byte, e *wire.Envelope) bool {
	return conn.s.cfg.Rules.Output.Marking() != policies.MCPMarkNone &&
		mark.Forged(e.Raw(data, wire.FieldMeta))
}

// markError rewrites the texts of an error like those of a result. An error has no place for a
// label.
func (conn *serverConn) markError(c *call, data []byte, e *wire.Envelope) [][]byte {
	m, v := conn.marker(c), e.At(wire.FieldError)
	if m == nil || m.LabelsOnly() {
		return [][]byte{data}
	}
	if v.Kind != '{' {
		return [][]byte{conn.s.refused(c, &refusal{say: notWellFormed, code: -32603})}
	}
	return [][]byte{data[:v.Start], m.RebuildError(data[v.Start:v.End]), data[v.End:]}
}
