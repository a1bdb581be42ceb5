package mcp

import (
	"encoding/json"

	"github.com/mcpbox/mcpbox/monitor"
)

// refusal is why a request is not passed on. layer and reason are for the operator, say is for the model.
type refusal struct {
	layer, reason, say string
	code               int // JSON-RPC's, for what is no tool; 0: invalid params
}

// refuse answers the request, records an event and an audit record.
func (s *session) refuse(l *link, c *call, r *refusal) {
	l.event(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.Medium, Rule: monitor.RuleMCP + r.layer, Reason: c.tool() + ": " + r.reason, Action: "refused",
		Hint: s.remedy(c, r.layer)}, c)
	s.record(l, c, Record{Decision: "refused", Layer: r.layer, Reason: r.reason})
	if c.raw != nil { // what has no id gets no answer
		_ = s.client.send(s.refused(c, r))
	}
}

// refused is the answer: for a tool a result that the model reads, for all else a JSON-RPC error.
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
	return join(`{"jsonrpc":"2.0","id":`, c.raw, `,"result":{`, kind, `"content":[{"type":"text","text":`, quote(say), `}],"isError":true}}`, "\n")
}

func rpcError(c *call, code int, say string) []byte {
	n, _ := json.Marshal(code)
	return join(`{"jsonrpc":"2.0","id":`, c.raw, `,"error":{"code":`, n, `,"message":`, quote(say), `}}`, "\n")
}

func join(parts ...any) []byte {
	size := 0
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			size += len(p)
		case []byte:
			size += len(p)
		}
	}
	out := make([]byte, 0, size)
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p...)
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}
