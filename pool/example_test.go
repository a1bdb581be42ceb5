package pool_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	"github.com/mcpbox/mcpbox/runtime"
)

// Each call has a cell of its own, that was ready before.
func ExamplePool() {
	policy, err := policies.Preset("standard")
	if err != nil {
		panic(err)
	}
	p := pool.New(pool.Config{BestEffort: true})
	defer p.Close()
	for range 2 {
		var out bytes.Buffer
		command := runtime.Command{Stdout: &out,
			Args: []string{"sh", "-c", "ls /work | wc -l; echo x > /work/x"}}
		result, err := p.Run(context.Background(),
			pool.Call{Caller: "ann", Policy: policy, Command: command})
		if err != nil {
			fmt.Println(err, runtime.Hint(err))
			return
		}
		fmt.Print(result.Status, " ", out.String())
	}
	// Output:
	// ok 0
	// ok 0
}
