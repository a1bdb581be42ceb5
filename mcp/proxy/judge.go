package proxy

import (
	"encoding/json"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// isRuled tells the methods whose parameters rules look at.
func isRuled(method string) bool {
	switch method {
	case "tools/call", "resources/read", "resources/subscribe", "prompts/get", "completion/complete":
		return true
	}
	return false
}

// judge decides about a request before the server sees it; nil: it may be made.
func (s *session) judge(conn *serverConn, c *call, e *wire.Envelope, data []byte) *refusal {
	if !s.constrain {
		return nil
	}
	if e.CaseCollisions&wire.CollisionInMessage != 0 || e.CaseCollisions&wire.CollisionInParams != 0 && isRuled(c.method) {
		return &refusal{layer: access.LayerProtocol, reason: reasonCaseCollision, say: "The request is not well formed."}
	}
	if r := s.checkVersion(c); r != nil {
		return r
	}
	switch c.method {
	case "tools/call":
		if e.At(wire.FieldName).Kind != '"' || e.At(wire.FieldName).Truncated {
			return &refusal{layer: access.LayerProtocol, reason: "the tool's name is missing or too long", say: "The request is not well formed."}
		}
		if v := s.rules.Check(s.item(access.KindTool, c.name)); !v.Allowed {
			return toolUnavailable(c, v)
		}
		if r := s.tools.judge(c); r != nil {
			return r
		}
		return s.arguments(conn, c, e.Raw(data, wire.FieldArguments))
	case "resources/read", "resources/subscribe":
		uri := e.Text(wire.FieldURI)
		if e.At(wire.FieldURI).Kind != '"' || e.At(wire.FieldURI).Truncated {
			return &refusal{layer: access.LayerProtocol, reason: "the resource's URI is missing or too long", say: "The request is not well formed."}
		}
		if v := s.rules.Check(s.item(access.KindResource, uri)); !v.Allowed {
			return &refusal{layer: v.Layer, reason: fmt.Sprintf("resource %s: %s", safetext.Clean(uri, 80), v.Reason), say: "Resource not found", code: -32002}
		}
	case "completion/complete":
		return s.completion(e, data)
	case "prompts/get":
		if v := s.rules.Check(s.item(access.KindPrompt, c.name)); !v.Allowed || c.name == "" {
			return &refusal{layer: v.Layer, reason: fmt.Sprintf("prompt %s: %s", safetext.Clean(c.name, 80), v.Reason), say: "Unknown prompt"}
		}
	}
	return nil
}

// completion holds what is completed to the rules for it: a prompt's argument, or a resource's.
func (s *session) completion(e *wire.Envelope, data []byte) *refusal {
	if e.At(wire.FieldRef).Kind != '{' {
		return &refusal{layer: access.LayerProtocol, reason: "what is to be completed is missing", say: "The request is not well formed."}
	}
	ref := e.Raw(data, wire.FieldRef)
	name, isPrompt := wire.StringMember(ref, "name")
	uri, isResource := wire.StringMember(ref, "uri")
	v := access.Verdict{Layer: access.LayerProtocol, Reason: "it names a prompt and a resource, or neither"}
	switch {
	case wire.HasDuplicate(wire.Members(ref)) || isPrompt && isResource:
	case isPrompt:
		v = s.rules.Check(s.item(access.KindPrompt, name))
	case isResource:
		v = s.rules.CheckLiteral(s.item(access.KindResource, uri)) // a template, as a rule
	}
	if v.Allowed {
		return nil
	}
	return &refusal{layer: v.Layer, reason: fmt.Sprintf("completion for %s: %s", safetext.Clean(name+uri, 80), v.Reason), say: "There is nothing to complete."}
}

// toolUnavailable says no more than that there is no such tool: the model is not told what the policy has against it.
func toolUnavailable(c *call, v access.Verdict) *refusal {
	return &refusal{layer: v.Layer, reason: v.Reason, say: fmt.Sprintf("The tool %q is not available.", safetext.Clean(c.name, 80))}
}

// arguments checks a call's arguments against the policy, the allowlist beside it, and the tool's own schema.
func (s *session) arguments(conn *serverConn, c *call, raw []byte) *refusal {
	own := s.rules.Parameters[c.name]
	var beside *access.Parameters
	if s.rules.Beside != nil {
		beside = s.rules.Beside.Parameters(s.item(access.KindTool, c.name))
	}
	schema := s.tools.inputSchema(c.name)
	if own == nil && beside == nil && schema == nil {
		return nil
	}
	if raw == nil {
		raw = []byte("{}")
	}
	var args map[string]any
	if err := json.Unmarshal(raw, &args); err != nil {
		return &refusal{layer: access.LayerParameter, reason: "the arguments are no object", say: "The arguments of a tool are a JSON object."}
	}
	if (own != nil || beside != nil) && wire.HasNestedDuplicate(raw, true) {
		return &refusal{layer: access.LayerParameter, reason: "an argument is there twice, or in two spellings", say: "An argument is there twice."}
	}
	if err := schema.Validate(args); err != nil { // the schema is the client's to see, so this may be said in full
		return &refusal{layer: access.LayerParameter, reason: "its own input schema: " + safetext.Clean(err.Error(), 200),
			say: fmt.Sprintf("The arguments do not satisfy the tool's input schema: %s", safetext.Clean(err.Error(), 300))}
	}
	for _, p := range []*access.Parameters{own, beside} {
		if at, err := p.Check(args, conn.srv); err != nil {
			say := "The arguments are outside of what is permitted here."
			if at != "" {
				say = fmt.Sprintf("The argument %q is outside of what is permitted here.", safetext.Clean(at, 80))
			}
			return &refusal{layer: access.LayerParameter, reason: safetext.Clean(err.Error(), 200), say: say}
		}
	}
	return nil
}
