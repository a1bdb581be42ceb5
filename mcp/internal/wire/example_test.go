package wire_test

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

func Example() {
	in := strings.NewReader(
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add"}}` + "\n",
	)
	whole := func(*wire.Envelope) bool { return true }
	m, err := wire.NewMessageReader(in, 1<<20, whole).Next()
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Env.IsRequest(), m.Env.ID(), m.Env.Method(), m.Env.Text(wire.FieldName))
	fmt.Printf("%s\n", m.Env.Raw(m.Data, wire.FieldParams))
	// Output:
	// true 7 tools/call add
	// {"name":"add"}
}
