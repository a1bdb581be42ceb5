package proxy

import (
	"cmp"
	"encoding/json"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/monitor"
)

// refusal says why a request is not passed on.
type refusal struct {
	layer        access.Layer
	reason, hint string // for the operator
	say          string // for the model
	code         int    // JSON-RPC error code, not used for tools; 0: invalid params
}

// refusedBy makes the refusal for a verdict. say is the text for the model if the verdict has none.
func refusedBy(v access.Verdict, say string, code int) *refusal {
	return &refusal{layer: v.Layer, reason: v.Reason, hint: v.Hint, say: cmp.Or(v.Say, say),
		code: code}
}

// refuse answers the request, and writes an event and an audit record.
func (s *session) refuse(conn *serverConn, c *call, r *refusal) {
	conn.event(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.Medium,
		Rule: monitor.RuleMCP + string(r.layer), Reason: c.tool() + ": " + r.reason,
		Action: "refused",
		Hint:   r.hint}, c)
	s.record(conn, c, audit.Record{Decision: "refused", Layer: string(r.layer), Reason: r.reason})
	if c.raw != nil { // a message without an id gets no answer
		_ = s.client.Send(s.refused(c, r))
	}
}

// refused returns the answer. For a tool it is a result that the model reads, otherwise a JSON-RPC
// error.
func (s *session) refused(c *call, r *refusal) []byte {
	if c.method == "tools/call" {
		return s.toolError(c, r.say)
	}
	code := r.code
	if code == 0 {
		code = -32602
	}
	return rpcError(c, code, r.say)
}

func (s *session) toolError(c *call, say string) []byte {
	kind := ""
	if s.modern.Load() {
		kind = `"resultType":"complete",`
	}
	return wire.Join(`{"jsonrpc":"2.0","id":`, c.raw, `,"result":{`, kind,
		`"content":[{"type":"text","text":`, wire.Quote(say), `}],"isError":true}}`, "\n")
}

func rpcError(c *call, code int, say string) []byte {
	n, _ := json.Marshal(code)
	return wire.Join(`{"jsonrpc":"2.0","id":`, c.raw, `,"error":{"code":`, n, `,"message":`,
		wire.Quote(say), `}}`, "\n")
}
