package identity_test

import (
	"errors"
	"fmt"

	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/policies"
)

func Example() {
	policy := &policies.Policy{}
	policy.MCP.Server.Packages = map[string]string{"@acme/notes": "^1.4"}

	command := []string{"npx", "-y", "@acme/notes@1.5.0"}
	fmt.Println(identity.Name(policy, command), identity.Check(policy, command, command, nil))

	command = []string{"npx", "-y", "@acme/notes@2.0.0"}
	err := identity.Check(policy, command, command, nil)
	fmt.Println(errors.Is(err, identity.ErrRefused), err)
	// Output:
	// notes <nil>
	// true this server may not run: mcp.server.packages does not include the package @acme/notes 2.0.0
}
