package policies

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"

	"github.com/mcpbox/mcpbox/internal/nearest"
	"github.com/mcpbox/mcpbox/internal/semver"
)

func (c *checker) mcp(m *MCP) {
	c.enum("mcp.mode", string(m.Mode), string(MCPOpen), string(MCPDeny), string(MCPOff))
	c.enum("mcp.input_schema", string(m.InputSchema), string(MCPEnforce), string(MCPPass))
	c.enum("mcp.pin.on_change", string(m.Pin.OnChange), string(MCPPinRefuse), string(MCPPinFlag))
	c.enum("mcp.output.mark", string(m.Output.Mark), string(MCPMarkNone), string(MCPMarkMeta),
		string(MCPMarkWrap))
	c.patterns("mcp.tools.allow", m.Tools.Allow)
	c.patterns("mcp.tools.deny", m.Tools.Deny)
	c.patterns("mcp.resources.allow", m.Resources.Allow)
	c.patterns("mcp.resources.deny", m.Resources.Deny)
	c.patterns("mcp.prompts.allow", m.Prompts.Allow)
	c.patterns("mcp.prompts.deny", m.Prompts.Deny)
	c.mcpServer(&m.Server)
	for _, tool := range sortedKeys(m.Parameters) {
		c.toolName("mcp.parameters", tool)
		c.schema("mcp.parameters."+tool, "mcp.parameters."+tool, m.Parameters[tool])
	}
	for _, tool := range sortedKeys(m.Paths) {
		c.toolName("mcp.paths", tool)
		c.paths("mcp.paths."+tool, m.Paths[tool])
	}
	for _, tool := range sortedKeys(m.Capabilities) {
		c.toolName("mcp.capabilities", tool)
		for i, name := range m.Capabilities[tool] {
			at := fmt.Sprintf("mcp.capabilities.%s[%d]", tool, i)
			if !slices.Contains(MCPCapabilities(), name) {
				c.fail(at, nearest.Hint(name, MCPCapabilities()), "%s: unknown capability %q", at,
					name)
			}
		}
	}
	for _, tool := range sortedKeys(m.Limits) {
		c.toolName("mcp.limits", tool)
		l := m.Limits[tool]
		c.notNegative("mcp.limits."+tool+".timeout", int64(l.Timeout))
		c.notNegative("mcp.limits."+tool+".memory", int64(l.Memory))
		c.notNegative("mcp.limits."+tool+".cpu_time", int64(l.CPUTime))
	}
	c.notNegative("mcp.output.max_bytes", int64(m.Output.MaxBytes))
	if !tagName(m.Output.Tag) {
		c.fail("mcp.output.tag", "use letters, digits and dashes, such as untrusted",
			"mcp.output.tag %q is not a tag's name", m.Output.Tag)
	}
	if m.Output.Tag != "" && m.Output.Mark != "" && m.Output.Mark != MCPMarkWrap {
		c.fail("mcp.output.tag", "write mark: wrap, or leave the tag out", "mcp.output: a tag is "+
			"written with mark: wrap only, not with %s", m.Output.Mark)
	}
}

// patterns accepts the patterns of path.Match.
func (c *checker) patterns(at string, list []string) {
	for i, glob := range list {
		at := fmt.Sprintf("%s[%d]", at, i)
		if _, err := path.Match(glob, ""); err != nil || glob == "" || !printable(glob) {
			c.fail(at, "a name, or a pattern with * ? [a-z]", "%s: %q is not a name or pattern", at,
				glob)
		}
	}
}

// toolName checks a key of a map by tools. Only capabilities and limits allow patterns. Elsewhere a
// pattern would match only itself.
func (c *checker) toolName(at, tool string) {
	if _, err := path.Match(tool, ""); err != nil || tool == "" || !printable(tool) {
		c.fail(at+"."+tool, "", "%s: %q is not a tool's name", at, tool)
	}
}

func (c *checker) mcpServer(s *MCPServer) {
	c.patterns("mcp.server.allow", s.Allow)
	c.patterns("mcp.server.deny", s.Deny)
	if s.Version != "" && !semverRange(s.Version) {
		c.fail("mcp.server.version", `such as ">=1.2.0 <2"`, "mcp.server.version %q is not a "+
			"range of versions", s.Version)
	}
	for _, name := range sortedKeys(s.Packages) {
		if at := "mcp.server.packages." + name; !semverRange(s.Packages[name]) {
			c.fail(at, `such as "^1.2.0"`, "%s: %q is not a range of versions", at,
				s.Packages[name])
		}
	}
}

func semverRange(text string) bool {
	_, err := semver.ParseRange(text)
	return err == nil
}

func (c *checker) paths(at string, byArgument map[string][]string) {
	for _, argument := range sortedKeys(byArgument) {
		for i, folder := range byArgument[argument] {
			if !path.IsAbs(folder) || path.Clean(folder) != folder {
				c.fail(at+"."+argument, "such as /work", "%s.%s[%d]: %q is not a clean absolute "+
					"path", at, argument, i, folder)
			}
		}
		if len(byArgument[argument]) == 0 {
			c.fail(at+"."+argument, "name at least one, such as [/work]", "%s.%s: no folder is "+
				"allowed", at, argument)
		}
	}
}

// tagName reports whether a name is safe in <…>.
func tagName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
			(i == 0 || (c < '0' || c > '9') && c != '-') {
			return false
		}
	}
	return len(s) <= 32
}

// schema checks the parts of a JSON Schema where a mistake would silently allow everything:
// well-known keywords must have values of their types. The proxy compiles the whole schema.
func (c *checker) schema(tool, at string, s map[string]any) {
	for _, key := range sortedKeys(s) {
		ok, want := true, ""
		switch value := s[key]; key {
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
			var object map[string]any
			object, ok = value.(map[string]any)
			want = "a mapping of names to schemas"
			for _, name := range sortedKeys(object) {
				c.subschema(tool, at+"."+key+"."+name, object[name])
			}
		case "items", "additionalProperties", "not", "if", "then", "else", "contains",
			"propertyNames":
			c.subschema(tool, at+"."+key, value)
		case "allOf", "anyOf", "oneOf", "prefixItems":
			var list []any
			list, ok = value.([]any)
			want = "a list of schemas"
			for i, sub := range list {
				c.subschema(tool, fmt.Sprintf("%s.%s[%d]", at, key, i), sub)
			}
		case "required":
			ok, want = isTextList(value), "a list of names"
		case "enum":
			_, ok = value.([]any)
			want = "a list"
		case "type":
			_, isText := value.(string)
			ok, want = (isText || isTextList(value)) && knownTypes(value),
				"one of "+fmt.Sprint(jsonTypes())
		case "pattern":
			text, isText := value.(string)
			_, err := regexp.Compile(text)
			ok, want = isText && err == nil, "a regular expression of RE2"
			if err != nil {
				want += ": " + err.Error()
			}
		case "format", "description", "title", "$ref", "$schema":
			_, ok = value.(string)
			want = "text"
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
			ok, want = isNumber(value), "a number"
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
			n, isInt := value.(int64)
			ok, want = isInt && n >= 0, "a whole number"
		default:
			if n := nearest.Word(key, schemaKeywords()); n != "" && n != key {
				c.fail(tool, "did you mean "+n+"?", "%s: unknown JSON Schema keyword %q", at, key)
			}
		}
		if !ok {
			c.fail(tool, "parameters are JSON Schemas", "%s.%s must be %s", at, key, want)
		}
	}
}

func (c *checker) subschema(tool, at string, value any) {
	switch value := value.(type) {
	case bool:
	case map[string]any:
		c.schema(tool, at, value)
	default:
		c.fail(tool, "parameters are JSON Schemas", "%s must be a schema", at)
	}
}

func schemaKeywords() []string {
	return []string{"properties", "patternProperties", "additionalProperties", "required", "type",
		"pattern", "enum", "const", "items",
		"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "allOf", "anyOf",
		"oneOf",
		"not", "format",
		"uniqueItems", "default", "description", "title", "examples", "$ref", "$defs", "$schema",
		"$id",
		"$comment", "multipleOf",
		"dependentRequired", "unevaluatedProperties", "unevaluatedItems", "minContains",
		"maxContains", "deprecated",
		"readOnly", "writeOnly"}
}

func jsonTypes() []string {
	return []string{"string", "number", "integer", "boolean", "object", "array", "null"}
}

func knownTypes(value any) bool {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, item := range list {
		if s, ok := item.(string); !ok || !slices.Contains(jsonTypes(), s) {
			return false
		}
	}
	return true
}

func isTextList(value any) bool {
	list, ok := value.([]any)
	for _, item := range list {
		if _, isText := item.(string); !isText {
			return false
		}
	}
	return ok
}

func isNumber(value any) bool {
	switch value.(type) {
	case int64, float64:
		return true
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
