package code_test

import (
	"context"
	"fmt"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/policies"
)

// A snippet in the tier for code that nobody has read.
func ExampleRunner_Run() {
	tier, err := policies.Preset("code-secure")
	if err != nil {
		panic(err)
	}
	runner := code.Runner{Policy: tier}
	for _, source := range []string{"print(sum(range(10)))", "import subprocess"} {
		request := code.Request{Language: "python", Code: []byte(source)}
		res, err := runner.Run(context.Background(), request)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(res.Status, res.ExitCode, res.Stdout)
		for _, f := range res.Guard.Findings {
			fmt.Printf("line %d: %s\n", f.Line, f.Reason)
		}
	}
}
