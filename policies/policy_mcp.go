package policies

import (
	"fmt"
	"strings"
)

// MCP holds the rules for the proxy. Names are patterns (*, ?, [a-z]). Deny wins over Allow. With
// an empty Allow, Mode decides.
type MCP struct {
	Mode   MCPMode   `yaml:"mode,omitempty" json:"mode,omitempty" enum:"open,deny,off"`
	Server MCPServer `yaml:"server,omitempty" json:"server,omitzero"`
	Tools  MCPNames  `yaml:"tools,omitempty" json:"tools,omitzero"`
	// URIs
	Resources MCPNames `yaml:"resources,omitempty" json:"resources,omitzero"`
	Prompts   MCPNames `yaml:"prompts,omitempty" json:"prompts,omitzero"`
	// tool → JSON Schema
	Parameters map[string]map[string]any `yaml:"parameters,omitempty" json:"parameters,omitempty"`
	// tool → argument → folders inside
	Paths       map[string]map[string][]string `yaml:"paths,omitempty" json:"paths,omitempty"`
	InputSchema MCPInputSchema                 `yaml:"input_schema,omitempty" json:"input_schema,omitempty" enum:"enforce,pass"`
	// tool → what it needs
	Capabilities map[string][]string `yaml:"capabilities,omitempty" json:"capabilities,omitempty"`
	// tool → limits of a call
	Limits map[string]MCPLimits `yaml:"limits,omitempty" json:"limits,omitempty"`
	Pin    MCPPin               `yaml:"pin,omitempty" json:"pin,omitzero"`
	Output MCPOutput            `yaml:"output,omitempty" json:"output,omitzero"`
}

// MCPMode is the global layer: what happens to items that no rule names.
type MCPMode string

const (
	MCPOpen MCPMode = "open" // they are allowed (the default)
	MCPDeny MCPMode = "deny" // they are hidden
	MCPOff  MCPMode = "off"  // everything is hidden, named or not
)

// MCPServer says which server may run. Allow and Deny match its command line, or sha256:… of its
// program or script.
type MCPServer struct {
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
	Deny  []string `yaml:"deny,omitempty" json:"deny,omitempty"`
	// semver range of serverInfo.version
	Version string `yaml:"version,omitempty" json:"version,omitempty"`
	// package → semver range
	Packages map[string]string `yaml:"packages,omitempty" json:"packages,omitempty"`
}

type MCPNames struct {
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
	Deny  []string `yaml:"deny,omitempty" json:"deny,omitempty"`
}

// MCPInputSchema says whether a tool's own inputSchema is enforced. By default it is, if the policy
// has a mode, or rules for tools or their parameters.
type MCPInputSchema string

const (
	MCPEnforce MCPInputSchema = "enforce"
	MCPPass    MCPInputSchema = "pass"
)

// MCPLimits are per call; zero means no limit.
type MCPLimits struct {
	Timeout Duration `yaml:"timeout,omitempty" json:"timeout,omitempty"`
	Memory  Size     `yaml:"memory,omitempty" json:"memory,omitempty"` // growth during the call
	CPUTime Duration `yaml:"cpu_time,omitempty" json:"cpu_time,omitempty"`
}

// MCPPin compares the tools' definitions with those that were approved.
type MCPPin struct {
	// as `mcpbox mcp pin` writes it
	File     string       `yaml:"file,omitempty" json:"file,omitempty"`
	OnChange MCPPinAction `yaml:"on_change,omitempty" json:"on_change,omitempty" enum:"refuse,flag"`
}

type MCPPinAction string

const (
	MCPPinRefuse MCPPinAction = "refuse" // a changed tool is hidden (the default with a file)
	MCPPinFlag   MCPPinAction = "flag"   // an event reports the change (the default without)
)

// MCPOutput says how tools' results are marked.
type MCPOutput struct {
	Mark MCPMark `yaml:"mark,omitempty" json:"mark,omitempty" enum:"none,meta,wrap"`
	// default untrusted; naming one means wrap
	Tag      string `yaml:"tag,omitempty" json:"tag,omitempty"`
	Strip    bool   `yaml:"strip,omitempty" json:"strip,omitempty"`
	MaxBytes Size   `yaml:"max_bytes,omitempty" json:"max_bytes,omitempty"`
}

type MCPMark string

const (
	MCPMarkNone MCPMark = "none" // results pass byte for byte
	MCPMarkMeta MCPMark = "meta" // _meta says where a result comes from (the default)
	// in addition, texts are wrapped in <untrusted> tags and stripped of control characters
	MCPMarkWrap MCPMark = "wrap"
)

// MCPCapabilities returns the capabilities that a tool can need and an agent can be granted.
func MCPCapabilities() []string { return []string{"exec", "fs.read", "fs.write", "net"} }

// EnforcesSchemas reports whether calls must satisfy the tools' own schemas.
func (m *MCP) EnforcesSchemas() bool {
	if m.InputSchema != "" {
		return m.InputSchema == MCPEnforce
	}
	return m.Mode == MCPDeny ||
		len(m.Tools.Allow)+len(m.Tools.Deny)+len(m.Parameters)+len(m.Paths) > 0
}

// Refuses reports whether a changed tool is refused, and not only reported.
func (p MCPPin) Refuses() bool {
	if p.OnChange != "" {
		return p.OnChange == MCPPinRefuse
	}
	return p.File != ""
}

// Marking returns Mark or its default.
func (o MCPOutput) Marking() MCPMark {
	switch {
	case o.Mark != "":
		return o.Mark
	case o.Tag != "":
		return MCPMarkWrap
	}
	return MCPMarkMeta
}

// TagName returns Tag or its default.
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
