package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/resident"
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
			return f.run(cmd, args, tty)
		},
	}
	f.register(cmd)
	f.dryRun.register(cmd)
	cmd.Flags().BoolVarP(&tty, "tty", "t", false, "give the program a terminal inside the sandbox")
	cmd.Flags().BoolVar(&f.resident, "resident", residentWanted(),
		"use a resident process with sandboxes kept ready; it is started if there is none")
	return cmd
}

// run runs the command of `mcpbox run`, for whoever the caller is.
func (f *sandboxFlags) run(cmd *cobra.Command, args []string, tty bool) error {
	c := callerOf(cmd)
	f.caller = c
	var spec mcpruntime.Spec
	var result resultFile
	err := c.in(func() (err error) { // what is named by a path is named from the caller's folder
		if spec, err = f.spec(cmd); err == nil && !f.dryRun.on {
			result, err = f.openResult()
		}
		return err
	})
	if err != nil {
		return err
	}
	if f.dryRun.on {
		return f.dryRun.show(c.stdout, spec, mcpruntime.Command{Args: args, Env: f.environment(),
			Dir: f.dir, TTY: tty})
	}
	f.tellUnset()
	start, err := f.prepare(cmd.Context(), spec.Policy, args)
	if err != nil {
		return err
	}
	defer start.Close()
	args = start.Command
	if f.resident && !c.served {
		startResident()
	}
	ctx, forward := c.signals(cmd.Context())
	var after *aftermath
	command := mcpruntime.Command{
		Args: args, Env: f.environment(), Dir: f.dir, Stdin: c.stdin, Stdout: c.stdout,
		Stderr: c.stderr,
		TTY:    tty, Umask: c.umask,
		BeforeExec: func(p *mcpruntime.Process) {
			forward(p)
			if after = f.aftermath(p, spec.Policy); after != nil {
				go after.watch(p.Done())
			}
			f.tellMissing(spec.Policy.Require, p.Layers(), p.Limits())
			f.tellNoDownload(spec.Policy, args)
		},
		BeforeResult: func(*mcpruntime.Process) { after.network() },
	}
	res, err := c.run(ctx, spec, command)
	if after != nil {
		defer after.close()
	}
	if errors.Is(err, resident.ErrCold) { // the front runs it, and writes the result
		result.close()
		return err
	}
	if err != nil {
		result.write(mcpruntime.SetupResult(spec, command, err, exitCode(err)))
		return err
	}
	result.write(res) // first: whoever reads stderr may be slow
	tellLost(steady.File(c.stderr), res.EventStats)
	if spec.Policy.Isolation == "none" {
		fmt.Fprintln(steady.File(c.stderr), "mcpbox: policy none: it ran without a sandbox")
	}
	tellCause(steady.File(c.stderr), res)
	if after != nil {
		after.end()
	}
	if res.Status == mcpruntime.StatusFailed {
		f.tellArgument(spec, command)
	}
	if res.ExitCode != 0 {
		return exitError(res.ExitCode)
	}
	return nil
}

func needCommand(_ *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "" {
		return hint.Errorf("mcpbox run [flags] -- COMMAND [ARGS…]", "no command given")
	}
	return nil
}

// resultFile is --result, opened before the run: a path that can't be written must not cost a
// finished run.
type resultFile struct{ f, stderr *os.File }

func (r resultFile) close() {
	if r.f != nil {
		r.f.Close()
	}
}

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
		fmt.Fprintf(steady.File(r.stderr), "mcpbox: result %s is not complete: %v\n", r.f.Name(),
			err)
	}
}

// tellCause says why mcpbox, or the kernel on its behalf, ended the program. That is an error:
// --quiet does not hide it.
func tellCause(stderr io.Writer, res *mcpruntime.Result) {
	e := res.Cause()
	if e == nil {
		return
	}
	why := e.Reason
	if e.Syscall != nil {
		why = e.Syscall.Name + ": " + why
	}
	fmt.Fprintf(stderr, "mcpbox: ended: %s\n", why)
	if e.Hint != "" {
		fmt.Fprintf(stderr, "mcpbox: hint: %s\n", e.Hint)
	}
}

// tellLost says what the event log lacks.
func tellLost(stderr io.Writer, s monitor.Stats) {
	for _, w := range s.Warnings {
		fmt.Fprintf(stderr, "mcpbox: %s\n", w)
	}
	if s.Dropped > 0 {
		fmt.Fprintf(stderr, "mcpbox: %d of %d events were counted, not recorded\n", s.Dropped,
			s.Seen)
	}
}
