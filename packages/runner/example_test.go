package runner_test

import (
	"fmt"

	"github.com/mcpbox/mcpbox/packages/runner"
)

func Example() {
	r, ok := runner.Parse([]string{"npx", "-y", "@acme/notes@^1.4", "--root", "/work"})
	fmt.Println(ok, r.Ecosystem, r.Name, r.Range, r.Args)
	_, ok = runner.Parse([]string{"npx", "--call", "anything"})
	fmt.Println(ok)
	// Output:
	// true npm @acme/notes ^1.4 [--root /work]
	// false
}
