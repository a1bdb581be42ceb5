package mcpserver_test

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code/mcpserver"
	"github.com/mcpbox/mcpbox/policies"
)

// A server and a client in one process. A program would call Run or Listen.
func ExampleServer_Connect() {
	standard, _ := policies.Preset("code-standard")
	secure, _ := policies.Preset("code-secure")
	ctx := context.Background()
	here, there := mcp.NewInMemoryTransports()
	server := mcpserver.New(mcpserver.Config{Standard: standard, Secure: secure, Version: "1.0"})
	if _, err := server.Connect(ctx, here); err != nil {
		panic(err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "example", Version: "1"}, nil)
	session, err := client.Connect(ctx, there, nil)
	if err != nil {
		panic(err)
	}
	defer session.Close()
	tools, err := session.ListTools(ctx, nil)
	if err != nil {
		panic(err)
	}
	for _, t := range tools.Tools {
		fmt.Println(t.Name)
	}
	// Output:
	// run_code
	// secure_sandbox
}
