package explain

import (
	"maps"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
)

func (e *explainer) mcp(p *policies.Policy) {
	e.area("MCP")
	m := &p.MCP
	if m.Mode == policies.MCPOff {
		e.item("clients see no tools, resources or prompts")
		return
	}
	if len(m.Server.Allow) > 0 {
		e.item("servers that may run: %s", strings.Join(m.Server.Allow, ", "))
	}
	if len(m.Server.Deny) > 0 {
		e.item("servers that may not run: %s", strings.Join(m.Server.Deny, ", "))
	}
	if m.Server.Version != "" {
		e.item("the server's version must be %s", m.Server.Version)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Server.Packages)) {
		e.item("the server must be of the package %s, %s", name, m.Server.Packages[name])
	}
	e.names("tools", "every tool", m.Mode, m.Tools)
	e.names("resources", "every resource", m.Mode, m.Resources)
	e.names("prompts", "every prompt", m.Mode, m.Prompts)
	checked := slices.Concat(slices.Sorted(maps.Keys(m.Parameters)),
		slices.Sorted(maps.Keys(m.Paths)))
	if slices.Sort(checked); len(checked) > 0 {
		e.item("arguments are checked for: %s", strings.Join(slices.Compact(checked), ", "))
	}
	if m.EnforcesSchemas() {
		e.item("arguments must satisfy the tool's own input schema")
	}
	if len(m.Capabilities) > 0 {
		e.item("an agent's grant (--grant) decides about: %s",
			strings.Join(slices.Sorted(maps.Keys(m.Capabilities)), ", "))
	}
	for _, tool := range slices.Sorted(maps.Keys(m.Limits)) {
		e.item("a call of %s is limited: %s", tool, m.Limits[tool])
	}
	if m.Pin.File != "" {
		e.item("tools must be as approved in %s; a changed one is %s", m.Pin.File,
			map[bool]string{true: "refused", false: "reported"}[m.Pin.Refuses()])
	}
	e.output(m.Output)
}

func (e *explainer) names(what, all string, mode policies.MCPMode, n policies.MCPNames) {
	switch {
	case len(n.Allow) > 0:
		e.item("clients see the %s: %s", what, strings.Join(n.Allow, ", "))
	case mode == policies.MCPDeny:
		e.item("clients see no %s", what)
		return
	case what != "tools" && len(n.Deny) == 0:
		return
	default:
		e.item("clients see %s", all)
	}
	if len(n.Deny) > 0 {
		e.item("but not: %s", strings.Join(n.Deny, ", "))
	}
}

func (e *explainer) output(o policies.MCPOutput) {
	switch o.Marking() {
	case policies.MCPMarkNone:
		e.item("results are not marked")
	case policies.MCPMarkMeta:
		e.item("results say in _meta where they come from")
	case policies.MCPMarkWrap:
		e.item("texts are tagged %s, and control characters are removed", o.TagName())
	}
	if o.Strip && o.Marking() != policies.MCPMarkWrap {
		e.item("control characters are removed from texts")
	}
	if o.MaxBytes > 0 {
		e.item("results are cut at %s", o.MaxBytes)
	}
}
