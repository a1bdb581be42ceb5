package mcp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// bomb is a schema that looks at every value 2^n times.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/a0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"a%d":{"type":"object"}}}`, n)
	return b.String()
}

// A tool's schema is the server's to write: it must neither end the proxy nor keep it busy. Without the check, the first of
// these overflows the stack, which nothing can catch.
func TestSchemasWithoutEndAreNotFollowed(t *testing.T) {
	for schema, want := range map[string]error{
		`{"$ref":"#"}`: errEndless,
		`{"properties":{"a":{"$ref":"#/properties/a"}}}`:                              errEndless,
		`{"allOf":[{"not":{"$ref":"#"}}]}`:                                            errEndless,
		`{"$REF":"#"}`:                                                                errEndless,
		`{"properties":{"a":{"$id":"b","$ref":"#"}}}`:                                 errUnclear,
		`{"$dynamicAnchor":"x","$dynamicRef":"#x"}`:                                   errUnclear,
		`{"properties":{"a":{"pattern":"(?:` + strings.Repeat("a", 90) + `){300}"}}}`: errLarge,
		strings.Repeat(`{"not":`, 500) + "{}" + strings.Repeat("}", 500):              errLarge,
		bomb(22): nil,
		`{"properties":{"a":{"$ref":"#"},"b":{"items":{"$ref":"#"}}}}`: nil, // a tree
	} {
		if _, err := compileForeignSchema([]byte(schema)); !errors.Is(err, want) {
			t.Errorf("%.80s: %v, want %v", schema, err, want)
		}
	}
	if _, err := compileSchema([]byte(`{"$ref":"#"}`)); !errors.Is(err, errEndless) {
		t.Errorf("an operator's: %v", err)
	}
}

func TestSchemasThatTakeTooLongAreNotFollowed(t *testing.T) {
	deep := map[string]any{}
	for range 60 {
		deep = map[string]any{"a": deep}
	}
	for schema, v := range map[string]any{
		bomb(30): map[string]any{},
		`{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`: deep,
	} {
		s, err := compileForeignSchema([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.validate(v); !errors.Is(err, errEffort) {
			t.Errorf("%.80s: %v", schema, err)
		}
	}
	s, err := compileForeignSchema([]byte(`{"type":"object","properties":{"a":{"$ref":"#"}}}`))
	if err != nil || s.validate(deep) != nil {
		t.Errorf("a tree, as deep as it is: %v, %v", err, s.validate(deep))
	}
}

func TestAServerWithSuchASchemaIsServed(t *testing.T) {
	tools := `[{"name":"a","inputSchema":{"$ref":"#"},"outputSchema":{"$ref":"#"}}]`
	b := start(t, Config{Rules: policies.MCP{InputSchema: policies.MCPEnforce, Output: policies.MCPOutput{Mark: policies.MCPMarkWrap}}}, answers(tools, "hello"))
	b.say(callTool("1", "a", `{}`))
	if got := b.hear(); !strings.Contains(got, "hello") {
		t.Errorf("the call: %s", got)
	}
	e := b.server(0).seen()
	if len(e) == 0 || e[0].Rule != "mcp:schema" || !strings.Contains(e[0].Reason, "not enforced") {
		t.Errorf("events: %+v", e)
	}
}
