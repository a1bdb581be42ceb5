package proxy

import (
	"fmt"
	"slices"
	"sync"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// ruledMethods are the methods whose parameters rules look at.
var ruledMethods = []string{"tools/call", "resources/read", "resources/subscribe", "prompts/get",
	"completion/complete"}

// inspectedMethods are the methods whose answers rules look at.
var inspectedMethods = []string{"tools/call", "tasks/result", "tools/list", "resources/list",
	"resources/templates/list", "prompts/list", "initialize", "server/discover"}

func isRuled(method string) bool { return slices.Contains(ruledMethods, method) }

// unclearMethod says why a server could take a message for one of a ruled method, although it names
// another. It returns "" if no server could.
func unclearMethod(e *wire.Envelope) string {
	if !hasText(e, wire.FieldMethod) {
		return "its method is not a string, or too long"
	}
	known := canonicalMethods()[wire.Canonical(e.Method())]
	if known == "" || known == e.Method() {
		return ""
	}
	return "some servers would take its method for " + known
}

// canonicalMethods maps the canonical names of ruled methods to the methods.
var canonicalMethods = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, method := range slices.Concat(ruledMethods, inspectedMethods) {
		all[wire.Canonical(method)] = method
	}
	return all
})

// judge decides about a request before the server sees it; nil: it may pass.
func (s *session) judge(conn *serverConn, c *call, e *wire.Envelope, data []byte) *refusal {
	if !s.constrain {
		return nil
	}
	if why := unclearMethod(e); why != "" {
		return &refusal{layer: access.LayerProtocol, reason: why,
			say:  "The request is not well formed.",
			code: -32600}
	}
	if e.Collisions&wire.CollisionInMessage != 0 ||
		e.Collisions&wire.CollisionInParams != 0 && isRuled(c.method) {
		return notWellFormedRequest(reasonCollision)
	}
	if r := s.checkVersion(c); r != nil {
		return r
	}
	switch c.method {
	case "tools/call":
		if !hasText(e, wire.FieldName) {
			return notWellFormedRequest("the tool's name is missing or too long")
		}
		if v := s.rules.Check(s.item(access.KindTool, c.name)); !v.Allowed {
			return toolUnavailable(c, v)
		}
		if r := s.tools.judge(c); r != nil {
			return r
		}
		return s.checkArguments(conn, c, e.Raw(data, wire.FieldArguments))
	case "resources/read", "resources/subscribe":
		if !hasText(e, wire.FieldURI) {
			return notWellFormedRequest("the resource's URI is missing or too long")
		}
		if v := s.rules.Check(s.item(access.KindResource, e.Text(wire.FieldURI))); !v.Allowed {
			return refusedBy(v, "Resource not found", -32002)
		}
	case "completion/complete":
		return s.completion(e, data)
	case "prompts/get":
		if !hasText(e, wire.FieldName) {
			return notWellFormedRequest("the prompt's name is missing or too long")
		}
		if v := s.rules.Check(s.item(access.KindPrompt, c.name)); !v.Allowed {
			return refusedBy(v, "Unknown prompt", 0)
		}
	}
	return nil
}

// hasText reports whether a member is a string, and not too long for the rules.
func hasText(e *wire.Envelope, f wire.Field) bool {
	v := e.At(f)
	return v.Kind == '"' && !v.Truncated
}

func notWellFormedRequest(reason string) *refusal {
	return &refusal{layer: access.LayerProtocol, reason: reason,
		say: "The request is not well formed."}
}

// completion applies the rules for prompts and resources to a request to complete their arguments.
func (s *session) completion(e *wire.Envelope, data []byte) *refusal {
	if e.At(wire.FieldRef).Kind != '{' {
		return notWellFormedRequest("the reference to complete is missing")
	}
	ref := e.Raw(data, wire.FieldRef)
	name, isPrompt := wire.StringMember(ref, "name")
	uri, isResource := wire.StringMember(ref, "uri")
	v := access.Verdict{Layer: access.LayerProtocol,
		Reason: "it names both a prompt and a resource, or neither"}
	switch {
	case wire.HasDuplicate(wire.Members(ref)) || isPrompt && isResource:
	case isPrompt:
		v = s.rules.Check(s.item(access.KindPrompt, name))
	case isResource:
		v = s.rules.Check(s.item(access.KindTemplate, uri)) // usually a template
	}
	if v.Allowed {
		return nil
	}
	return refusedBy(v, "There is nothing to complete.", 0)
}

// toolUnavailable only says that the tool is not available. It does not tell the model why.
func toolUnavailable(c *call, v access.Verdict) *refusal {
	return refusedBy(v, fmt.Sprintf("The tool %q is not available.", safetext.Clean(c.name, 80)), 0)
}

// checkArguments checks a call's arguments against the tool's own schema and the rules.
func (s *session) checkArguments(conn *serverConn, c *call, raw []byte) *refusal {
	args := access.NewArguments(raw)
	if own := s.tools.inputSchema(c.name); own != nil {
		values, err := args.Values()
		if err != nil {
			return &refusal{layer: access.LayerParameter,
				reason: "the arguments are not a JSON object",
				say:    "The arguments of a tool must be a JSON object."}
		}
		// the client knows the schema, so the whole error may be sent
		if err := own.Validate(values); err != nil {
			return &refusal{layer: access.LayerParameter,
				reason: "the tool's own input schema: " + safetext.Clean(err.Error(), 200),
				hint:   "to allow it: mcp.input_schema: pass in the policy",
				say: fmt.Sprintf("The arguments do not satisfy the tool's input schema: %s",
					safetext.Clean(err.Error(), 300))}
		}
	}
	v := s.rules.CheckArguments(s.item(access.KindTool, c.name), args, conn.srv)
	if v.Allowed {
		return nil
	}
	return refusedBy(v, "", 0)
}
