package schema_test

import (
	"fmt"

	"github.com/mcpbox/mcpbox/mcp/internal/schema"
)

func Example() {
	s, err := schema.Compile([]byte(`{"properties": {"name": {"pattern": "^[a-z]+$"}}}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Validate(map[string]any{"name": "abc"}))
	fmt.Println(s.Validate(map[string]any{"name": "../x"}) != nil)

	_, err = schema.CompileUntrusted([]byte(`{"$ref": "#"}`))
	fmt.Println(err)
	// Output:
	// <nil>
	// true
	// a $ref leads back to itself
}
