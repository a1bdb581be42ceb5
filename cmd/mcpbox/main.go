// Command mcpbox runs MCP servers, tools and code snippets in a locked-down Linux sandbox.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Exit codes of mcpbox's own failures (DESIGN §8).
const (
	exitFailure       = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

// exitError carries the exit code of a run that has already said what there was to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	root := newRootCmd()
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "mcpbox: %v\n", err)
	if h := hint.Of(err); h != "" {
		fmt.Fprintf(os.Stderr, "mcpbox: hint: %s\n", h)
	}
	return exitFailure
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:           "mcpbox",
		Short:         "Run MCP servers, tools and code in a locked-down Linux sandbox",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(commands()...)
	return root
}
