package proxy_test

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/mcp/proxy"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// A gateway for one client: it runs a server in a sandbox, applies the policy and keeps records. In
// main, call runtime.Init first: see package runtime.
func Example() {
	policy, err := policies.Resolve("strict")
	if err != nil {
		fmt.Println(err)
		return
	}
	policy.MCP.Tools.Allow = []string{"read_*"}
	command := []string{"node", "/work/server.js"}
	launcher := &launch.Launcher{
		Spec:    func() (runtime.Spec, error) { return runtime.Spec{Policy: policy}, nil },
		Command: runtime.Command{Args: command, Stderr: os.Stderr},
	}
	outcome, err := proxy.Serve(context.Background(), proxy.Config{
		Client: proxy.Pipe{Reader: os.Stdin, Writer: os.Stdout},
		Launch: launcher.Launch,
		Server: "notes",
		Policy: policy.Name,
		Rules:  policy.MCP,
		Audit:  audit.NewLog(os.Stderr),
	})
	if err != nil {
		fmt.Println(err, runtime.Hint(err))
		return
	}
	fmt.Println(outcome.Result.Status)
}
