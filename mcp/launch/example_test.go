package launch_test

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// A program that starts sandboxes calls runtime.Init first in main: see package runtime.
func Example() {
	launcher := &launch.Launcher{
		Spec: func() (runtime.Spec, error) {
			policy, err := policies.Resolve("strict")
			return runtime.Spec{Policy: policy}, err
		},
		Command: runtime.Command{Args: []string{"node", "/work/server.js"}, Stderr: os.Stderr},
	}
	server, err := launcher.Launch(context.Background(), func() *monitor.Call { return nil })
	if err != nil {
		fmt.Println(err, runtime.Hint(err))
		return
	}
	fmt.Fprintln(server.Stdin(), `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	result, err := server.End()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Status)
}
