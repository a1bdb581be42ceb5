// Command mcpbox runs MCP servers, tools and code snippets in a locked-down Linux sandbox.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
	"github.com/mcpbox/mcpbox/internal/hint"
	_ "github.com/mcpbox/mcpbox/internal/hugeheap"
	_ "github.com/mcpbox/mcpbox/internal/sealedexe"
	"github.com/mcpbox/mcpbox/internal/steady"
	_ "github.com/mcpbox/mcpbox/internal/sysmon"
	_ "github.com/mcpbox/mcpbox/resident/front" // run --resident, before Go starts
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// Exit codes of mcpbox's own failures. docs/ARCHITECTURE.md
const (
	exitFailure       = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

// exitError carries the exit code of a run that has already said what there was to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// main.main is pinned to the main thread (package container says why), and each time a pinned
// goroutine waits, two threads have to change places: what there is to do is done beside it.
func main() {
	code := make(chan int)
	go func() { code <- run(os.Args[1:]) }()
	os.Exit(<-code)
}

func run(args []string) int {
	return execute(context.Background(), args, steady.File(os.Stderr))
}

// execute runs a command line and returns the exit code. What goes wrong is said on stderr.
func execute(ctx context.Context, args []string, stderr io.Writer) int {
	root := newRootCmd(args)
	root.SetArgs(args)
	var unwritten error // of the help, whose function returns none
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_, unwritten = io.WriteString(cmd.OutOrStdout(), helpText(cmd))
	})
	err := singleDash(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		err = unwritten
	}
	if err == nil {
		return 0
	}
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	var there daemon.ExitError
	if errors.As(err, &there) {
		return int(there)
	}
	fmt.Fprintf(stderr, "mcpbox: %v\n", err)
	if h := hint.Of(err); h != "" {
		fmt.Fprintf(stderr, "mcpbox: hint: %s\n", h)
	}
	return exitCode(err)
}

// exitCode is how mcpbox itself fails.
func exitCode(err error) int {
	var sig interrupted
	if errors.As(err, &sig) {
		return 128 + int(sig)
	}
	switch {
	case errors.Is(err, mcpruntime.ErrNotFound):
		return exitNotFound
	case errors.Is(err, mcpruntime.ErrNotExecutable):
		return exitNotExecutable
	}
	return exitFailure
}

// helpText is what cobra's own help prints.
func helpText(cmd *cobra.Command) string {
	return strings.TrimRight(cmp.Or(cmd.Long, cmd.Short), " \n") + "\n\n" + cmd.UsageString()
}

func newRootCmd(args []string) *cobra.Command {
	var wantsVersion bool
	root := &cobra.Command{
		Use:   "mcpbox",
		Short: "Run MCP servers, tools and code in a locked-down Linux sandbox",
		Example: `  mcpbox run -- python3 -c 'print("hello")'
  mcpbox run --workspace . -- node server.js
  mcpbox code --lang python -c 'print(1)'
  mcpbox wrap --client claude-code --dry-run
  mcpbox doctor`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wantsVersion {
				return printVersion(cmd)
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVarP(&wantsVersion, "version", "v", false, "print the version")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCmd())
	addCommands(root, args)
	return root
}
