package mcp

import (
	"encoding/json"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/safetext"
)

// ruled tells the methods whose parameters rules look at.
func ruled(method string) bool {
	switch method {
	case "tools/call", "resources/read", "resources/subscribe", "prompts/get", "completion/complete":
		return true
	}
	return false
}

// judge decides about a request before the server sees it; nil: it may be made.
func (s *session) judge(l *link, c *call, e *envelope, data []byte) *refusal {
	if !s.rules.constrain {
		return nil
	}
	if e.disguises&inMessage != 0 || e.disguises&inParams != 0 && ruled(c.method) {
		return &refusal{layer: LayerProtocol, reason: errDisguised, say: "The request is not well formed."}
	}
	if r := s.fit(c); r != nil {
		return r
	}
	switch c.method {
	case "tools/call":
		if e.v[fName].kind != '"' || e.v[fName].long {
			return &refusal{layer: LayerProtocol, reason: "the tool's name is missing or too long", say: "The request is not well formed."}
		}
		if v := s.rules.Check(s.item(KindTool, c.name)); !v.Allowed {
			return noTool(c, v)
		}
		if r := s.tools.judge(c); r != nil {
			return r
		}
		return s.arguments(l, c, e.of(data, fArguments))
	case "resources/read", "resources/subscribe":
		uri := e.text(fURI)
		if e.v[fURI].kind != '"' || e.v[fURI].long {
			return &refusal{layer: LayerProtocol, reason: "the resource's URI is missing or too long", say: "The request is not well formed."}
		}
		if v := s.rules.Check(s.item(KindResource, uri)); !v.Allowed {
			return &refusal{layer: v.Layer, reason: fmt.Sprintf("resource %s: %s", safetext.Clean(uri, 80), v.Reason), say: "Resource not found", code: -32002}
		}
	case "completion/complete":
		return s.completion(e, data)
	case "prompts/get":
		if v := s.rules.Check(s.item(KindPrompt, c.name)); !v.Allowed || c.name == "" {
			return &refusal{layer: v.Layer, reason: fmt.Sprintf("prompt %s: %s", safetext.Clean(c.name, 80), v.Reason), say: "Unknown prompt"}
		}
	}
	return nil
}

// completion holds what is completed to the rules for it: a prompt's argument, or a resource's.
func (s *session) completion(e *envelope, data []byte) *refusal {
	if e.v[fRef].kind != '{' {
		return &refusal{layer: LayerProtocol, reason: "what is to be completed is missing", say: "The request is not well formed."}
	}
	ref := e.of(data, fRef)
	name, isPrompt := nameOf(ref, "name")
	uri, isResource := nameOf(ref, "uri")
	v := Verdict{Layer: LayerProtocol, Reason: "it names a prompt and a resource, or neither"}
	switch {
	case twice(members(ref)) || isPrompt && isResource:
	case isPrompt:
		v = s.rules.Check(s.item(KindPrompt, name))
	case isResource:
		v = s.rules.written(s.item(KindResource, uri)) // a template, as a rule
	}
	if v.Allowed {
		return nil
	}
	return &refusal{layer: v.Layer, reason: fmt.Sprintf("completion for %s: %s", safetext.Clean(name+uri, 80), v.Reason), say: "There is nothing to complete."}
}

// noTool says no more than that there is no such tool: the model is not told what the policy has against it.
func noTool(c *call, v Verdict) *refusal {
	return &refusal{layer: v.Layer, reason: v.Reason, say: fmt.Sprintf("The tool %q is not available.", safetext.Clean(c.name, 80))}
}

// arguments checks a call's arguments against the policy, the allowlist beside it, and the tool's own schema.
func (s *session) arguments(l *link, c *call, raw []byte) *refusal {
	own := s.rules.parameters[c.name]
	var beside *Parameters
	if s.rules.beside != nil {
		beside = s.rules.beside.Parameters(s.item(KindTool, c.name))
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
		return &refusal{layer: LayerParameter, reason: "the arguments are no object", say: "The arguments of a tool are a JSON object."}
	}
	if (own != nil || beside != nil) && repeats(raw, true) {
		return &refusal{layer: LayerParameter, reason: "an argument is there twice, or in two spellings", say: "An argument is there twice."}
	}
	if err := schema.validate(args); err != nil { // the schema is the client's to see, so this may be said in full
		return &refusal{layer: LayerParameter, reason: "its own input schema: " + safetext.Clean(err.Error(), 200),
			say: fmt.Sprintf("The arguments do not satisfy the tool's input schema: %s", safetext.Clean(err.Error(), 300))}
	}
	for _, p := range []*Parameters{own, beside} {
		if at, err := p.check(args, l.srv); err != nil {
			say := "The arguments are outside of what is permitted here."
			if at != "" {
				say = fmt.Sprintf("The argument %q is outside of what is permitted here.", safetext.Clean(at, 80))
			}
			return &refusal{layer: LayerParameter, reason: safetext.Clean(err.Error(), 200), say: say}
		}
	}
	return nil
}
