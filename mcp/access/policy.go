package access

import (
	"fmt"
	"slices"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/policies"
)

// Policy is the policy's own allowlist, together with the one that was given beside it.
type Policy struct {
	Section    *policies.MCP
	Beside     Allowlist // may be nil
	grant      []string
	granted    bool // there is a grant: without one every capability is held
	Constrains bool // something may be refused: what can't be read is not passed on
	Parameters map[string]*Parameters
	broken     map[string]error // tools whose rules are no schema: refused
}

// NewPolicy compiles the policy's section. beside and grant may be nil.
func NewPolicy(p *policies.MCP, beside Allowlist, grant []string) *Policy {
	r := &Policy{Section: p, Beside: beside, grant: grant, granted: grant != nil, Parameters: map[string]*Parameters{}, broken: map[string]error{}}
	for tool := range p.Parameters {
		r.compile(tool)
	}
	for tool := range p.Paths {
		r.compile(tool)
	}
	names := func(n policies.MCPNames) bool { return len(n.Allow)+len(n.Deny) > 0 }
	r.Constrains = p.Mode == policies.MCPDeny || p.Mode == policies.MCPOff || names(p.Tools) || names(p.Resources) || names(p.Prompts) ||
		len(p.Parameters)+len(p.Paths)+len(p.Limits) > 0 || p.EnforcesSchemas() || r.Beside != nil || r.granted ||
		p.Pin.Refuses() || p.Server.Version != ""
	return r
}

func (r *Policy) compile(tool string) {
	if r.Parameters[tool] != nil {
		return
	}
	c, err := NewParameters(r.Section.Parameters[tool], r.Section.Paths[tool])
	if err != nil {
		r.broken[tool] = err
		return
	}
	r.Parameters[tool] = c
}

// Check asks every layer that knows names: global, tool, capability, and the allowlist beside the policy. A resource must
// pass under every reading of its URI.
func (r *Policy) Check(i Item) Verdict {
	v := r.CheckLiteral(i)
	if !v.Allowed || i.Kind != KindResource || !r.aboutResources() {
		return v
	}
	readings, err := Readings(i.Name)
	if err != nil {
		return Verdict{Layer: LayerTool, Reason: err.Error()}
	}
	for _, i.Name = range readings[1:] {
		if v = r.CheckLiteral(i); !v.Allowed {
			v.Reason = fmt.Sprintf("it is %s: %s", safetext.Clean(i.Name, 80), v.Reason)
			return v
		}
	}
	return v
}

func (r *Policy) aboutResources() bool {
	return len(r.Section.Resources.Allow)+len(r.Section.Resources.Deny) > 0 || r.Beside != nil
}

// CheckLiteral is Check for a name as it is written: of a template of URIs there is no other reading.
func (r *Policy) CheckLiteral(i Item) Verdict {
	if v := r.checkNames(i); !v.Allowed {
		return v
	}
	if i.Kind == KindTool {
		if err := r.broken[i.Name]; err != nil {
			return Verdict{Layer: LayerParameter, Reason: fmt.Sprintf("the policy's rule for its arguments is no JSON Schema: %v", err)}
		}
		if v := r.checkCapabilities(i.Name); !v.Allowed {
			return v
		}
	}
	if r.Beside != nil {
		return r.Beside.Check(i)
	}
	return Verdict{Allowed: true}
}

// checkNames is the policy's allow and deny lists.
func (r *Policy) checkNames(i Item) Verdict {
	if r.Section.Mode == policies.MCPOff {
		return Verdict{Layer: LayerGlobal, Reason: "the policy turns the proxy off (mcp.mode: off)"}
	}
	list, key := r.Section.Tools, "tools"
	switch i.Kind {
	case KindResource:
		list, key = r.Section.Resources, "resources"
	case KindPrompt:
		list, key = r.Section.Prompts, "prompts"
	}
	if glob, ok := MatchAny(list.Deny, i.Name); ok {
		return Verdict{Layer: LayerTool, Reason: fmt.Sprintf("mcp.%s.deny has %q", key, glob)}
	}
	if _, ok := MatchAny(list.Allow, i.Name); ok {
		return Verdict{Allowed: true}
	}
	if len(list.Allow) > 0 {
		return Verdict{Layer: LayerTool, Reason: fmt.Sprintf("mcp.%s.allow does not name it", key)}
	}
	if r.Section.Mode == policies.MCPDeny {
		return Verdict{Layer: LayerGlobal, Reason: "mcp.mode is deny, and nothing names it"}
	}
	return Verdict{Allowed: true}
}

// checkCapabilities compares what a tool needs with what the agent was granted. A tool that the table does not name needs all.
func (r *Policy) checkCapabilities(tool string) Verdict {
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

func (r *Policy) needs(tool string) []string {
	if list, ok := r.Section.Capabilities[tool]; ok {
		return list
	}
	var all []string
	found := false
	for glob, list := range r.Section.Capabilities {
		if _, ok := MatchAny([]string{glob}, tool); ok {
			all, found = append(all, list...), true
		}
	}
	if found {
		return all
	}
	return policies.MCPCapabilities()
}

// Limits of one call of a tool; of several patterns that match, the tightest.
func (r *Policy) Limits(tool string) (l policies.MCPLimits, any bool) {
	if l, ok := r.Section.Limits[tool]; ok {
		return l, l != policies.MCPLimits{}
	}
	for glob, m := range r.Section.Limits {
		if _, ok := MatchAny([]string{glob}, tool); ok {
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
