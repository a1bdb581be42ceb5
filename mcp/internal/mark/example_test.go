package mark_test

import (
	"fmt"

	"github.com/mcpbox/mcpbox/mcp/internal/mark"
	"github.com/mcpbox/mcpbox/policies"
)

func Example() {
	m := mark.New(&policies.MCPOutput{Mark: policies.MCPMarkWrap},
		mark.Provenance{Untrusted: true, Server: "notes", Tool: "read", Call: "7"})
	result, withheld := m.Rebuild([]byte(`{"content":[{"type":"text","text":"milk"}]}`), nil)
	fmt.Println(string(result), withheld)
	// Output:
	// {"content":[{"type":"text","text":"<untrusted source=\"mcp:notes/read\">\nmilk\n</untrusted>"}],"_meta":{"mcpbox/provenance":{"untrusted":true,"server":"notes","tool":"read","call":"7","sandbox":"","policy":""}}}
}
