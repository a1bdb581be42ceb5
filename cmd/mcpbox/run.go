package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

func newRunCmd() *cobra.Command {
	var f sandboxFlags
	var tty bool
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARGS…]",
		Short: "Run a program in a sandbox, with its stdin, stdout, stderr and exit code",
		Example: `  mcpbox run -- python3 -c 'print("hello")'
  mcpbox run --policy strict --timeout 10s -- python3 -c 'while True: pass'
  mcpbox run --workspace . --events /tmp/events.jsonl -- node server.js`,
		Args: needCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(cmd)
			if err != nil {
				return err
			}
			if f.dryRun.on {
				return f.dryRun.show(cmd.OutOrStdout(), spec, mcpruntime.Command{Args: args,
					Env: f.environment(), Dir: f.dir, TTY: tty})
			}
			result, err := f.openResult()
			if err != nil {
				return err
			}
			ctx, forward := catchSignals(cmd.Context())
			p := mcpruntime.Command{
				Args: args, Env: f.environment(), Dir: f.dir, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, TTY: tty,
				BeforeExec: func(r *mcpruntime.Process) {
					forward(r)
					f.tellMissing(spec.Policy.Require, r.Layers(), r.Limits())
					f.tellNoDownload(spec.Policy, args)
				},
			}
			res, err := mcpruntime.Run(ctx, spec, p)
			if err != nil {
				result.write(mcpruntime.SetupResult(spec, p, err, exitCode(err)))
				return err
			}
			tellLost(res.EventStats)
			if spec.Policy.Isolation == "none" {
				fmt.Fprintln(os.Stderr, "mcpbox: policy none: it ran without a sandbox")
			}
			result.write(res)
			tellCause(res)
			if res.ExitCode != 0 {
				return exitError(res.ExitCode)
			}
			return nil
		},
	}
	f.register(cmd)
	f.dryRun.register(cmd)
	cmd.Flags().BoolVarP(&tty, "tty", "t", false, "give the program a terminal inside the sandbox")
	return cmd
}

func needCommand(_ *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "" {
		return hint.Errorf("mcpbox run [flags] -- COMMAND [ARGS…]", "no command given")
	}
	return nil
}

// resultFile is --result, opened before the run: a path that can't be written must not cost a finished run.
type resultFile struct{ f *os.File }

func (r resultFile) write(res *mcpruntime.Result) {
	if r.f == nil {
		return
	}
	defer r.f.Close()
	data, err := json.MarshalIndent(res, "", "  ")
	if err == nil {
		_, err = r.f.Write(append(data, '\n'))
	}
	if err != nil {
		// The program has run: its exit code stands.
		fmt.Fprintf(os.Stderr, "mcpbox: result %s is not complete: %v\n", r.f.Name(), err)
	}
}

// tellCause says why mcpbox, or the kernel on its behalf, ended the program. That is an error: --quiet does not hide it.
func tellCause(res *mcpruntime.Result) {
	e := res.Cause()
	if e == nil {
		return
	}
	why := e.Reason
	if e.Syscall != nil {
		why = e.Syscall.Name + ": " + why
	}
	fmt.Fprintf(os.Stderr, "mcpbox: ended: %s\n", why)
	if e.Hint != "" {
		fmt.Fprintf(os.Stderr, "mcpbox: hint: %s\n", e.Hint)
	}
}

// tellLost says what the event log lacks.
func tellLost(s monitor.Stats) {
	for _, w := range s.Warnings {
		fmt.Fprintf(os.Stderr, "mcpbox: %s\n", w)
	}
	if s.Dropped > 0 {
		fmt.Fprintf(os.Stderr, "mcpbox: %d of %d events were counted, not recorded\n", s.Dropped, s.Seen)
	}
}
