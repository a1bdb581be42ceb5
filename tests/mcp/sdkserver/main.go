// Command sdkserver is a well-behaved server. It uses the official Go SDK and the newest protocol.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type sum struct {
	A int `json:"a"`
	B int `json:"b"`
}

func main() {
	server := mcp.NewServer(&mcp.Implementation{Name: "sums", Version: "2.3.4"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "add", Description: "adds"}, func(_ context.Context,
		_ *mcp.CallToolRequest, in sum) (*mcp.CallToolResult, struct{ Sum int }, error) {
		return nil, struct{ Sum int }{in.A + in.B}, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "secret", Description: "not for everybody"},
		func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return nil, nil, fmt.Errorf("it was called")
		})
	if err := server.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		log.Fatal(err)
	}
}
