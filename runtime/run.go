package runtime

import (
	"context"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// flushTime bounds how long the end of a run waits for slow event sinks.
const flushTime = 2 * time.Second

// Run starts a sandbox, runs one process in it to its end, and takes everything
// down again. Cancelling ctx ends the run. An error means that mcpbox failed; the
// tool's failure is a Result.
func Run(ctx context.Context, spec Spec, p Process) (*Result, error) {
	if spec.Policy.Isolation == policies.IsolationNone {
		return runBare(ctx, spec, p)
	}
	box, err := Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	r, err := box.Spawn(ctx, p)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { box.stop(StatusSignaled) })
	defer stop()
	shown := make(chan struct{})
	close(shown)
	if p.TTY {
		done, restore := r.attach(p.Stdin, p.Stdout)
		shown = done
		defer restore()
	}
	if _, err := r.Wait(); err != nil {
		return nil, err
	}
	box.container.Destroy()
	<-shown
	return box.Finish(r)
}

// Stop kills all that runs in the sandbox; when it returns, the last output is with the caller and every event is recorded.
// How the process ended stands, if it had ended before.
func (r *Running) Stop() {
	r.box.stop(StatusSignaled)
	r.Wait()
	r.settle()
}

// settle ends what was left behind, and waits for its last events and output.
func (r *Running) settle() {
	r.box.container.Destroy()
	<-r.served
	r.output.drain()
}

// Finish waits for r, takes the sandbox down with whatever r left behind, and returns r's result with all events in it.
func (s *Sandbox) Finish(r *Running) (*Result, error) {
	res, err := r.Wait()
	if err != nil {
		s.Close()
		return nil, err
	}
	r.settle()
	r.tree.remove()
	flush, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	res.EventStats = s.recorder.Close(flush)
	res.Events = s.recorder.Events()
	return res, s.Close()
}
