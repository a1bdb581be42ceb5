package mcp

import (
	"fmt"
	"slices"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/policies"
)

// rules is the policy's own allowlist, together with the one that was given beside it.
type rules struct {
	policy     *policies.MCP
	beside     Allowlist // may be nil
	grant      []string
	granted    bool // there is a grant: without one every capability is held
	constrain  bool // something may be refused: what can't be read is not passed on
	parameters map[string]*Parameters
	broken     map[string]error // tools whose rules are no schema: refused
}

func newRules(cfg *Config) *rules {
	p := &cfg.Rules
	r := &rules{policy: p, beside: cfg.Allow, grant: cfg.Grant, granted: cfg.Grant != nil, parameters: map[string]*Parameters{}, broken: map[string]error{}}
	for tool := range p.Parameters {
		r.compile(tool)
	}
	for tool := range p.Paths {
		r.compile(tool)
	}
	names := func(n policies.MCPNames) bool { return len(n.Allow)+len(n.Deny) > 0 }
	r.constrain = p.Mode == policies.MCPDeny || p.Mode == policies.MCPOff || names(p.Tools) || names(p.Resources) || names(p.Prompts) ||
		len(p.Parameters)+len(p.Paths)+len(p.Limits) > 0 || p.EnforcesSchemas() || r.beside != nil || r.granted || cfg.Pins != nil ||
		p.Pin.Refuses() || p.Server.Version != ""
	return r
}

func (r *rules) compile(tool string) {
	if r.parameters[tool] != nil {
		return
	}
	c, err := NewParameters(r.policy.Parameters[tool], r.policy.Paths[tool])
	if err != nil {
		r.broken[tool] = err
		return
	}
	r.parameters[tool] = c
}

// Check asks every layer that knows names: global, tool, capability, and the allowlist beside the policy. A resource must
// pass under every reading of its URI.
func (r *rules) Check(i Item) Verdict {
	v := r.written(i)
	if !v.Allowed || i.Kind != KindResource || !r.aboutResources() {
		return v
	}
	readings, err := Readings(i.Name)
	if err != nil {
		return Verdict{Layer: LayerTool, Reason: err.Error()}
	}
	for _, i.Name = range readings[1:] {
		if v = r.written(i); !v.Allowed {
			v.Reason = fmt.Sprintf("it is %s: %s", safetext.Clean(i.Name, 80), v.Reason)
			return v
		}
	}
	return v
}

func (r *rules) aboutResources() bool {
	return len(r.policy.Resources.Allow)+len(r.policy.Resources.Deny) > 0 || r.beside != nil
}

// written is Check for a name as it is written: of a template of URIs there is no other reading.
func (r *rules) written(i Item) Verdict {
	if v := r.named(i); !v.Allowed {
		return v
	}
	if i.Kind == KindTool {
		if err := r.broken[i.Name]; err != nil {
			return Verdict{Layer: LayerParameter, Reason: fmt.Sprintf("the policy's rule for its arguments is no JSON Schema: %v", err)}
		}
		if v := r.capable(i.Name); !v.Allowed {
			return v
		}
	}
	if r.beside != nil {
		return r.beside.Check(i)
	}
	return Verdict{Allowed: true}
}

// named is the policy's allow and deny lists.
func (r *rules) named(i Item) Verdict {
	if r.policy.Mode == policies.MCPOff {
		return Verdict{Layer: LayerGlobal, Reason: "the policy turns the proxy off (mcp.mode: off)"}
	}
	list, key := r.policy.Tools, "tools"
	switch i.Kind {
	case KindResource:
		list, key = r.policy.Resources, "resources"
	case KindPrompt:
		list, key = r.policy.Prompts, "prompts"
	}
	if glob, ok := matchAny(list.Deny, i.Name); ok {
		return Verdict{Layer: LayerTool, Reason: fmt.Sprintf("mcp.%s.deny has %q", key, glob)}
	}
	if _, ok := matchAny(list.Allow, i.Name); ok {
		return Verdict{Allowed: true}
	}
	if len(list.Allow) > 0 {
		return Verdict{Layer: LayerTool, Reason: fmt.Sprintf("mcp.%s.allow does not name it", key)}
	}
	if r.policy.Mode == policies.MCPDeny {
		return Verdict{Layer: LayerGlobal, Reason: "mcp.mode is deny, and nothing names it"}
	}
	return Verdict{Allowed: true}
}

// capable compares what a tool needs with what the agent was granted. A tool that the table does not name needs all.
func (r *rules) capable(tool string) Verdict {
	if !r.granted {
		return Verdict{Allowed: true}
	}
	for _, c := range r.needs(tool) {
		if !slices.Contains(r.grant, c) {
			return Verdict{Layer: LayerCapability, Reason: fmt.Sprintf("it needs %s, which the agent was not granted", c)}
		}
	}
	return Verdict{Allowed: true}
}

func (r *rules) needs(tool string) []string {
	if list, ok := r.policy.Capabilities[tool]; ok {
		return list
	}
	var all []string
	found := false
	for glob, list := range r.policy.Capabilities {
		if _, ok := matchAny([]string{glob}, tool); ok {
			all, found = append(all, list...), true
		}
	}
	if found {
		return all
	}
	return policies.MCPCapabilities()
}

// limits of one call of a tool; of several patterns that match, the tightest.
func (r *rules) limits(tool string) (l policies.MCPLimits, any bool) {
	if l, ok := r.policy.Limits[tool]; ok {
		return l, l != policies.MCPLimits{}
	}
	for glob, m := range r.policy.Limits {
		if _, ok := matchAny([]string{glob}, tool); ok {
			l.Timeout, l.Memory, l.CPUTime = tighter(l.Timeout, m.Timeout), tighter(l.Memory, m.Memory), tighter(l.CPUTime, m.CPUTime)
		}
	}
	return l, l != policies.MCPLimits{}
}

func tighter[T policies.Size | policies.Duration](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// item names a thing of this server's.
func (s *session) item(k Kind, name string) Item {
	return Item{Server: s.cfg.Server, Version: s.serverVersion(), Kind: k, Name: name}
}
