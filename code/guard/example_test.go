package guard_test

import (
	"context"
	"fmt"

	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/policies"
)

func ExampleGuard_Check() {
	g := guard.Guard{Rules: policies.Guard{Mode: policies.GuardDeny}}
	source := []byte("const name = 'child_' + 'process';\nrequire(name).execSync('id');\n")
	report, err := g.Check(context.Background(), guard.JavaScript, source)
	if err != nil {
		panic(err)
	}
	for _, f := range report.Findings {
		fmt.Printf("line %d, column %d: %s %s\n", f.Line, f.Column, f.Severity, f.Reason)
	}
	fmt.Println(report.Refused)
	// Output:
	// line 2, column 1: high child_process: starts programs
	// true
}
