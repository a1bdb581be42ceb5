package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/policies"
)

// Compile turns a policy's mcp section into rules. grant lists the agent's capabilities (fs.read,
// net …); nil grants everything.
func Compile(p *policies.MCP, grant []string) *Set {
	s := newSet()
	s.fromPolicy = true
	if p.Mode == policies.MCPOff {
		s.add(Rule{Layer: LayerGlobal, Effect: Deny, key: "mcp.mode: off"})
	}
	for _, names := range []struct {
		layer Layer
		list  policies.MCPNames
	}{{LayerTool, p.Tools}, {LayerResource, p.Resources}, {LayerPrompt, p.Prompts}} {
		s.addList(names.layer, names.list.Allow, names.list.Deny)
		s.closed[names.layer] = p.Mode == policies.MCPDeny
	}
	s.addList(LayerServer, p.Server.Allow, p.Server.Deny)
	for _, name := range slices.Sorted(maps.Keys(p.Server.Packages)) {
		s.add(Rule{Layer: LayerPackage, Match: EscapeGlob(name) + "@" + p.Server.Packages[name],
			Effect: Allow})
	}
	if p.Server.Version != "" {
		s.add(Rule{Layer: LayerVersion, Match: p.Server.Version, Effect: Allow})
	}
	s.addParameters(p)
	if grant != nil {
		s.capabilities = &capabilities{needs: p.Capabilities, grant: grant}
	}
	return s
}

func (s *Set) addList(l Layer, allow, deny []string) {
	for effect, patterns := range map[Effect][]string{Allow: allow, Deny: deny} {
		for _, p := range patterns {
			if l == LayerServer && !strings.HasPrefix(p, digestPrefix) {
				p = commandPrefix + p
			}
			s.add(Rule{Layer: l, Match: p, Effect: effect})
		}
	}
}

// addParameters makes one rule of each tool's schema and paths.
func (s *Set) addParameters(p *policies.MCP) {
	tools := maps.Clone(p.Paths)
	if tools == nil {
		tools = map[string]map[string][]string{}
	}
	for tool := range p.Parameters {
		tools[tool] = p.Paths[tool]
	}
	for tool, paths := range tools {
		r := Rule{Layer: LayerParameter, Match: EscapeGlob(tool), Effect: Allow, Paths: paths}
		if schema := p.Parameters[tool]; schema != nil {
			text, err := marshal(schema)
			if err != nil { // this text does not compile as a schema, so every call is refused
				text = json.RawMessage("false!")
			}
			r.Schema = text
		}
		s.add(r)
	}
}

// add adds a rule that was checked before. A version range that can't be parsed matches nothing.
func (s *Set) add(r Rule) {
	if r.Server == "" {
		r.Server = "*"
	}
	span := ""
	switch r.Layer {
	case LayerVersion:
		span = r.Match
	case LayerPackage:
		_, span = splitPackage(r.Match)
	}
	if span != "" {
		if parsed, err := semver.ParseRange(span); err == nil {
			s.ranges[span] = parsed
		}
	}
	s.rules[r.Layer] = append(s.rules[r.Layer], r)
}

// policyKeys are the keys of a policy file that decide in each layer.
var policyKeys = map[Layer]string{
	LayerGlobal: "mcp.mode", LayerServer: "mcp.server", LayerPackage: "mcp.server.packages",
	LayerVersion: "mcp.server.version", LayerTool: "mcp.tools", LayerResource: "mcp.resources",
	LayerPrompt: "mcp.prompts", LayerParameter: "mcp.parameters or mcp.paths",
}

// hint tells the operator how to change the verdict. It contains no name that an agent chose,
// because an operator may paste it into a shell.
func (s *Set) hint(l Layer) string {
	switch {
	case l == LayerCapability:
		return "to allow it: --grant, or mcp.capabilities in the policy"
	case s.fromPolicy && l == LayerServer && s.server != nil:
		name := strings.Join(s.server.Command, " ")
		if s.server.Digest != "" {
			name = digestPrefix + s.server.Digest
		}
		return "to allow it, add it to mcp.server.allow: " + name
	case s.fromPolicy:
		return "to allow it: " + policyKeys[l] + " in the policy"
	}
	return "to allow it: `mcpbox allow add` (`mcpbox allow list` shows the rules)"
}

// source returns how a reason names the rule.
func (s *Set) source(r Rule) string {
	switch {
	case r.key != "":
		return r.key
	case s.fromPolicy:
		return policyKeys[r.Layer] + "." + string(r.Effect)
	}
	return "rule " + r.ID()
}

// noRule returns the reason for what no rule allows.
func (s *Set) noRule(l Layer, what string) string {
	switch {
	case !s.fromPolicy:
		return "no rule allows " + what
	case l == LayerVersion || l == LayerPackage:
		return policyKeys[l] + " does not include " + what
	}
	return policyKeys[l] + ".allow does not name " + what
}

// capabilities compare what tools need with what the agent was granted.
type capabilities struct {
	needs map[string][]string // by glob of the tool's name
	grant []string
}

func (c *capabilities) check(tool string) error {
	for _, need := range c.of(tool) {
		if !slices.Contains(c.grant, need) {
			return fmt.Errorf("it needs %s, which the agent was not granted", need)
		}
	}
	return nil
}

// of returns what a tool needs. A tool that is not in the table needs everything.
func (c *capabilities) of(tool string) []string {
	if list, ok := c.needs[tool]; ok {
		return list
	}
	var all []string
	found := false
	for pattern, list := range c.needs {
		if Match(pattern, tool) {
			all, found = append(all, list...), true
		}
	}
	if found {
		return all
	}
	return policies.MCPCapabilities()
}
