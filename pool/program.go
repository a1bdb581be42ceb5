package pool

import (
	"context"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/runtime"
)

// Program is a program that is started ahead of its calls, in cells of their own: an interpreter
// that waits in read(2) for what it is to run. Each call has a process of its own, which is
// nobody's fork: its address layout, its hash seeds and its random states are its own. The pool
// knows it by its address.
type Program struct {
	Args  []string
	Env   []string
	Files []runtime.File // of its cell

	// Ready is the byte that it writes to standard output when it waits. The call does not see it.
	Ready byte
}

// readyTime bounds the start of a program.
const readyTime = 30 * time.Second

// held is a program that waits.
type held struct {
	*runtime.Process
	in, out, err *late
	events       *lateSink
}

// hold starts a program in a cell, and returns when it waits.
func hold(ctx context.Context, c *runtime.Cell, p *Program) (*held, error) {
	h := &held{in: newLate(), out: newLate(), err: newLate(), events: &lateSink{}}
	h.out.expect(p.Ready)
	process, err := c.Start(
		ctx,
		runtime.Command{Args: p.Args, Env: p.Env, Files: p.Files, Hold: true,
			Stdin: h.in, Stdout: h.out, Stderr: h.err, Sinks: []monitor.Sink{h.events},
			Call: h.events.inFlight, Origin: h.events.whose},
	)
	if err != nil {
		return nil, err
	}
	h.Process = process
	timer := time.NewTimer(readyTime)
	defer timer.Stop()
	select {
	case <-h.out.ready:
		return h, nil
	case <-process.Done():
		err = ErrNotReady
	case <-timer.C:
		err = ErrNotReady
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	h.discard()
	return nil, err
}

// discard ends a program that no call has.
func (h *held) discard() {
	h.Kill()
	h.in.give(nil, nil)
	h.out.give(nil, nil)
	h.err.give(nil, nil)
	h.events.give(runtime.Command{})
	_, _ = h.Wait()
}

// begin gives the program its call.
func (h *held) begin(ctx context.Context, call Call) error {
	cmd := call.Command
	if err := h.Begin(ctx, cmd.Args); err != nil {
		return err
	}
	h.events.give(cmd)
	if cmd.BeforeExec != nil {
		cmd.BeforeExec(h.Process)
	}
	h.out.give(nil, cmd.Stdout)
	h.err.give(nil, cmd.Stderr)
	h.in.give(inputOf(call), nil)
	return nil
}

// check refuses what a program that runs already can't have.
func (c Call) check() error {
	cmd := c.Command
	if c.Program != nil && (len(cmd.Env) > 0 || cmd.Dir != "" || cmd.Umask != nil ||
		len(cmd.Files) > 0 || cmd.Workspace != nil || cmd.TTY) {
		return hint.Errorf("leave Program out, or give them to it",
			"a call of a program has no Env, Dir, Umask, Files, Workspace and TTY of its own")
	}
	return nil
}
