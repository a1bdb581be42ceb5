package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// bomb returns a schema that checks every value 2^n times.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/a0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1,
			i+1)
	}
	fmt.Fprintf(&b, `"a%d":{"type":"object"}}}`, n)
	return b.String()
}

// A server writes its tools' schemas. They must neither crash the proxy nor keep it busy. Without
// the check, the first schema overflows the stack, and Go can't recover from that.
func TestEndlessSchemasAreRefused(t *testing.T) {
	for schema, want := range map[string]error{
		`{"$ref":"#"}`: errEndless,
		`{"properties":{"a":{"$ref":"#/properties/a"}}}`:                              errEndless,
		`{"allOf":[{"not":{"$ref":"#"}}]}`:                                            errEndless,
		`{"$REF":"#"}`:                                                                errEndless,
		`{"properties":{"a":{"$id":"b","$ref":"#"}}}`:                                 errUnresolvable,
		`{"$dynamicAnchor":"x","$dynamicRef":"#x"}`:                                   errUnresolvable,
		`{"properties":{"a":{"pattern":"(?:` + strings.Repeat("a", 90) + `){300}"}}}`: errLarge,
		strings.Repeat(`{"not":`, 500) + "{}" + strings.Repeat("}", 500):              errLarge,
		bomb(22): nil,
		`{"properties":{"a":{"$ref":"#"},"b":{"items":{"$ref":"#"}}}}`: nil, // a tree
	} {
		if _, err := CompileUntrusted([]byte(schema)); !errors.Is(err, want) {
			t.Errorf("%.80s: %v, want %v", schema, err, want)
		}
	}
	if _, err := Compile([]byte(`{"$ref":"#"}`)); !errors.Is(err, errEndless) {
		t.Errorf("an operator's: %v", err)
	}
}

func TestExpensiveSchemasAreRefused(t *testing.T) {
	deep := map[string]any{}
	for range 60 {
		deep = map[string]any{"a": deep}
	}
	for schema, v := range map[string]any{
		bomb(30): map[string]any{},
		`{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`: deep,
	} {
		s, err := CompileUntrusted([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); !errors.Is(err, errTooCostly) {
			t.Errorf("%.80s: %v", schema, err)
		}
	}
	s, err := CompileUntrusted([]byte(`{"type":"object","properties":{"a":{"$ref":"#"}}}`))
	if err != nil || s.Validate(deep) != nil {
		t.Errorf("a tree, as deep as it is: %v, %v", err, s.Validate(deep))
	}
}
