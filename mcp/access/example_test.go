package access_test

import (
	"fmt"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/policies"
)

// A policy and an allowlist decide together: both must allow a call.
func Example() {
	policy := access.Compile(&policies.MCP{
		Tools: policies.MCPNames{Deny: []string{"delete_*"}},
		Paths: map[string]map[string][]string{"read_note": {"file": {"/work"}}},
	}, nil)
	allowlist, err := access.NewSet([]access.Rule{
		{Layer: access.LayerTool, Server: "notes", Match: "*_note", Effect: access.Allow},
	})
	if err != nil {
		panic(err)
	}
	rules := access.All{policy, allowlist}

	for _, name := range []string{"read_note", "delete_note", "shell"} {
		v := rules.Check(access.Item{Server: "notes", Kind: access.KindTool, Name: name})
		if v.Allowed {
			fmt.Println(name, "is allowed")
		} else {
			fmt.Println(v.Reason)
		}
	}

	read := access.Item{Server: "notes", Kind: access.KindTool, Name: "read_note"}
	args := access.NewArguments([]byte(`{"file": "/work/../etc/passwd"}`))
	v := rules.CheckArguments(read, args, nil)
	fmt.Println(v.Reason)
	fmt.Println("the model is told:", v.Say)
	// Output:
	// read_note is allowed
	// the tool delete_note of the server notes is denied by mcp.tools.deny (delete_*)
	// no rule allows the tool shell of the server notes
	// file: "/work/../etc/passwd" leads to "/etc/passwd", which is not in /work
	// the model is told: The argument "file" is outside of what is permitted here.
}
