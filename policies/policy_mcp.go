package policies

import (
	"fmt"
	"strings"
)

// MCP is the proxy's part. Names are patterns (*, ?, [a-z]); deny wins over allow; an empty allow
// leaves it to Mode.
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

// MCPMode is the global layer: what becomes of what no rule names.
type MCPMode string

const (
	MCPOpen MCPMode = "open" // it is allowed (the default)
	MCPDeny MCPMode = "deny" // it does not exist
	MCPOff  MCPMode = "off"  // nothing exists, named or not
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

// MCPInputSchema says whether a tool's own inputSchema is enforced. The default is to do so once
// the policy has a mode, or rules for tools or their parameters.
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
	MCPPinRefuse MCPPinAction = "refuse" // a changed tool does not exist (the default with a file)
	MCPPinFlag   MCPPinAction = "flag"   // an event tells of the change (the default without)
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
	MCPMarkMeta MCPMark = "meta" // _meta tells where a result comes from (the default)
	// and its texts stand between <untrusted> tags, stripped of control characters
	MCPMarkWrap MCPMark = "wrap"
)

// MCPCapabilities are what a tool can be said to need and an agent can be granted.
func MCPCapabilities() []string { return []string{"exec", "fs.read", "fs.write", "net"} }

// EnforcesSchemas reports whether calls must satisfy the tools' own schemas.
func (m *MCP) EnforcesSchemas() bool {
	if m.InputSchema != "" {
		return m.InputSchema == MCPEnforce
	}
	return m.Mode == MCPDeny ||
		len(m.Tools.Allow)+len(m.Tools.Deny)+len(m.Parameters)+len(m.Paths) > 0
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
