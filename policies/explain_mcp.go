package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (e *explainer) mcp(p *Policy) {
	e.area("MCP")
	m := &p.MCP
	if m.Mode == MCPOff {
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
	for _, name := range sortedKeys(m.Server.Packages) {
		e.item("the server must be of the package %s, %s", name, m.Server.Packages[name])
	}
	e.names("tools", "every tool", m.Mode, m.Tools)
	e.names("resources", "every resource", m.Mode, m.Resources)
	e.names("prompts", "every prompt", m.Mode, m.Prompts)
	checked := slices.Concat(sortedKeys(m.Parameters), sortedKeys(m.Paths))
	if slices.Sort(checked); len(checked) > 0 {
		e.item("arguments are checked for: %s", strings.Join(slices.Compact(checked), ", "))
	}
	if m.EnforcesSchemas() {
		e.item("arguments must satisfy the tool's own input schema")
	}
	if len(m.Capabilities) > 0 {
		e.item("an agent's grant (--grant) decides about: %s", strings.Join(sortedKeys(m.Capabilities), ", "))
	}
	for _, tool := range slices.Sorted(maps.Keys(m.Limits)) {
		e.item("a call of %s is limited: %s", tool, m.Limits[tool])
	}
	if m.Pin.File != "" {
		e.item("tools must be as approved in %s; a changed one is %s", m.Pin.File, map[bool]string{true: "refused", false: "reported"}[m.Pin.Refuses()])
	}
	e.output(m.Output)
}

func (e *explainer) names(what, all string, mode MCPMode, n MCPNames) {
	switch {
	case len(n.Allow) > 0:
		e.item("clients see the %s: %s", what, strings.Join(n.Allow, ", "))
	case mode == MCPDeny:
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

func (e *explainer) output(o MCPOutput) {
	switch o.Marking() {
	case MCPMarkNone:
		e.item("results are not marked")
	case MCPMarkMeta:
		e.item("results say in _meta where they come from")
	case MCPMarkWrap:
		e.item("texts are tagged %s, and freed of control characters", o.TagName())
	}
	if o.Strip && o.Marking() != MCPMarkWrap {
		e.item("texts are freed of control characters")
	}
	if o.MaxBytes > 0 {
		e.item("results are cut at %s", o.MaxBytes)
	}
}

// EnforcesSchemas reports whether calls must satisfy the tools' own schemas.
func (m *MCP) EnforcesSchemas() bool {
	if m.InputSchema != "" {
		return m.InputSchema == MCPEnforce
	}
	return m.Mode == MCPDeny || len(m.Tools.Allow)+len(m.Tools.Deny)+len(m.Parameters)+len(m.Paths) > 0
}

// Refuses reports whether a changed tool is taken away rather than reported.
func (p MCPPin) Refuses() bool {
	if p.OnChange != "" {
		return p.OnChange == MCPPinRefuse
	}
	return p.File != ""
}

// Marking is the mark with its default.
func (o MCPOutput) Marking() MCPMark {
	switch {
	case o.Mark != "":
		return o.Mark
	case o.Tag != "":
		return MCPMarkWrap
	}
	return MCPMarkMeta
}

// TagName is the tag with its default.
func (o MCPOutput) TagName() string {
	if o.Tag != "" {
		return o.Tag
	}
	return "untrusted"
}

func (l MCPLimits) String() string {
	var parts []string
	if l.Timeout > 0 {
		parts = append(parts, fmt.Sprintf("timeout %s", l.Timeout))
	}
	if l.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%s more memory", l.Memory))
	}
	if l.CPUTime > 0 {
		parts = append(parts, fmt.Sprintf("cpu time %s", l.CPUTime))
	}
	return strings.Join(parts, ", ")
}
