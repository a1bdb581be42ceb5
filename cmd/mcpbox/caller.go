package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/code"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// caller is whose command it is: this process, or a front that has handed it to the resident.
type caller struct {
	stdin, stdout, stderr *os.File
	umask                 *uint32
	served                bool // by the resident
	lookupEnv             func(string) (string, bool)
	// in calls f with the caller's current folder.
	in      func(f func() error) error
	signals func(context.Context) (ctx context.Context, forward func(*mcpruntime.Process))
	run     func(context.Context, mcpruntime.Spec, mcpruntime.Command) (*mcpruntime.Result, error)
	// runner makes a Runner the caller's own, before anything is read that can be read only once.
	runner func(*code.Runner) error
}

func (c *caller) streams() []*os.File { return []*os.File{c.stdin, c.stdout, c.stderr} }

func thisProcess() *caller {
	return &caller{stdin: standard(os.Stdin), stdout: standard(os.Stdout),
		stderr: standard(os.Stderr), lookupEnv: os.LookupEnv,
		in: func(f func() error) error { return f() }, signals: catchSignals, run: mcpruntime.Run,
		runner: func(*code.Runner) error { return nil }}
}

type callerKey struct{}

// callerOf is the context's caller, or this process.
func callerOf(cmd *cobra.Command) *caller {
	if c, ok := cmd.Context().Value(callerKey{}).(*caller); ok {
		return c
	}
	return thisProcess()
}

// who is the caller of the command that has the flags.
func (f *sandboxFlags) who() *caller {
	if f.caller == nil {
		f.caller = thisProcess()
	}
	return f.caller
}
