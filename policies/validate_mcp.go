package policies

import (
	"fmt"
	"maps"
	"path"
	"slices"
)

func (c *checker) mcp(m *MCP) {
	for key, list := range map[string][]string{"allow": m.Tools.Allow, "deny": m.Tools.Deny} {
		for i, glob := range list {
			at := fmt.Sprintf("mcp.tools.%s[%d]", key, i)
			if _, err := path.Match(glob, ""); err != nil || glob == "" || !printable(glob) {
				c.fail(at, "a name, or a pattern with * ? [a-z]", "%s: %q is not a tool's name or pattern", at, glob)
			}
		}
	}
	for _, tool := range sortedKeys(m.Parameters) {
		at := "mcp.parameters." + tool
		if tool == "" || !printable(tool) {
			c.fail(at, "", "mcp.parameters: %q is not a tool's name", tool)
		}
		c.schema(at, at, m.Parameters[tool])
	}
	c.notNegative("mcp.output.max_bytes", int64(m.Output.MaxBytes))
	if !printable(m.Output.Tag) {
		c.fail("mcp.output.tag", "use plain words", "mcp.output.tag %q is not printable text", m.Output.Tag)
	}
}

// schema checks the shape of a JSON Schema where a slip would silently allow everything: its well-known keywords must
// have their types. The proxy compiles it in full.
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
		case "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames":
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
			ok, want = (isText || isTextList(value)) && knownTypes(value), "one of "+fmt.Sprint(jsonTypes())
		case "pattern", "format", "description", "title", "$ref", "$schema":
			_, ok = value.(string)
			want = "text"
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
			ok, want = isNumber(value), "a number"
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
			n, isInt := value.(int64)
			ok, want = isInt && n >= 0, "a whole number"
		default:
			if n := nearest(key, schemaKeywords()); n != "" && n != key {
				c.fail(tool, "did you mean "+n+"?", "%s: unknown JSON Schema keyword %q", at, key)
			}
		}
		if !ok {
			c.fail(tool, "parameters are JSON Schemas", "%s.%s is to be %s", at, key, want)
		}
	}
}

func (c *checker) subschema(tool, at string, value any) {
	switch value := value.(type) {
	case bool:
	case map[string]any:
		c.schema(tool, at, value)
	default:
		c.fail(tool, "parameters are JSON Schemas", "%s is to be a schema", at)
	}
}

func schemaKeywords() []string {
	return []string{"properties", "patternProperties", "additionalProperties", "required", "type", "pattern", "enum", "const", "items",
		"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "allOf", "anyOf", "oneOf", "not", "format",
		"uniqueItems", "default", "description", "title", "examples", "$ref", "$defs", "$schema", "$id", "$comment", "multipleOf",
		"dependentRequired", "unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains", "deprecated", "readOnly", "writeOnly"}
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
