package audit_test

import (
	"os"

	"github.com/mcpbox/mcpbox/mcp/audit"
)

func Example() {
	log := audit.NewLog(os.Stdout)
	err := log.Append(audit.Record{Decision: "refused", Layer: "tool", Server: "notes",
		Sandbox: "k3v9", Policy: "strict", Method: "tools/call", Request: "7", Tool: "delete_note"})
	if err != nil {
		panic(err)
	}
	// Output:
	// {"time":"0001-01-01T00:00:00Z","decision":"refused","layer":"tool","server":"notes","sandbox":"k3v9","policy":"strict","method":"tools/call","request":"7","tool":"delete_note"}
}
