package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/hub"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// run is an execution on its way.
type run struct {
	d      *daemon
	req    api.ExecutionRequest
	policy *policies.Policy
	fresh  bool // the policy is this run's own: no pool will see it again
	once   string
	digest string
	kept   []byte        // the last JSON that was written down
	worked time.Duration // by the pool or the sandbox, with the wait for a place
	asked  *code.Request // in place of req's snippet
	ran    *code.Result  // what came of a snippet

	of         monitor.Origin
	restricted bool          // the client is
	x          api.Execution // its Result and Problem are set before done is closed
	follow     *messages     // nil: nobody
	stdout     *output
	stderr     *output
	cancel     context.CancelCauseFunc
	done       chan struct{}
}

var errCanceled = errors.New("canceled by the client")

// begin enters a run into the list of those that run.
func (d *daemon) begin(parent context.Context, r *run) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	r.cancel, r.done = cancel, make(chan struct{})
	r.of = monitor.Origin{Client: r.x.Client, Caller: r.x.Caller}
	r.stdout = newOutput(api.KindStdout, r.req.MaxOutput, nil)
	r.stderr = newOutput(api.KindStderr, r.req.MaxOutput, nil)
	d.mu.Lock()
	d.runs[r.x.ID] = r
	d.mu.Unlock()
	return ctx
}

// do runs it to its end, and writes down what became of it before it says so.
func (r *run) do(ctx context.Context) error {
	d := r.d
	defer close(r.done)
	defer r.cancel(nil)
	stop := context.AfterFunc(d.base, func() { r.cancel(errShutdown) })
	defer stop()
	began := time.Now()
	result, err := r.work(ctx)
	r.worked = time.Since(began)
	if errors.Is(err, errCanceled) { // before it started: what a client asked for is no failure
		result, err = neverRan(r.policy, r.req.Command, errCanceled), nil
	}
	ended := time.Now().UTC()
	x := r.x
	x.Ended, x.State, x.Result = &ended, api.Finished, result
	status := "problem"
	if err != nil {
		x.State, x.Problem = api.Failed, d.problemOf(err)
		if x.Problem.Status == http.StatusInternalServerError {
			d.log.Error("execution failed", "id", x.ID, "error", err)
		}
	} else {
		status = result.Status
	}
	d.counts.end(status, time.Since(began))
	saved := r.save(x)
	left := errors.Is(context.Cause(ctx), context.Canceled) // the client, before its answer
	if r.once != "" && (left || x.Problem != nil && forATime(x.Problem.Status)) {
		saved = errors.Join(saved, d.db.FreeExecution(x.ID)) // it may try again
	}
	d.mu.Lock()
	r.x = x
	delete(d.runs, x.ID)
	d.mu.Unlock()
	return saved
}

// save writes the execution down. What is saved is what is answered, without the files' contents.
func (r *run) save(x api.Execution) error {
	var events []state.Event
	if x.Result != nil {
		kept := *x.Result
		kept.Files = slices.Clone(kept.Files)
		for i := range kept.Files {
			kept.Files[i].Data = nil
		}
		x.Result = &kept
		for _, e := range kept.Events {
			row, err := hub.Row(e, r.origin())
			if err != nil {
				return err
			}
			events = append(events, row)
		}
	}
	body, err := json.Marshal(x)
	if err != nil {
		return err
	}
	r.kept = body
	return r.d.db.SaveExecution(
		state.Execution{ID: x.ID, State: string(x.State), Client: x.Client, Caller: x.Caller,
			Created: x.Created, Once: r.once, Request: r.digest, Body: body},
		events,
	)
}

// whose is for rules.
func (r *run) whose() monitor.Origin { return r.of }

func (r *run) origin() hub.Origin {
	return hub.Origin{Execution: r.x.ID, Client: r.x.Client, Caller: r.x.Caller}
}

func (r *run) work(ctx context.Context) (*api.Result, error) {
	if t := r.req.Timeout; t > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(t*float64(time.Second)))
		defer stop()
	}
	switch {
	case r.req.Code != "":
		return r.snippet(ctx)
	case r.fresh || mcpruntime.CheckCells(r.policy) != nil:
		return r.alone(ctx)
	}
	return r.pooled(ctx)
}

// pooled runs a command in a cell.
func (r *run) pooled(ctx context.Context) (*api.Result, error) {
	cmd, stdout, stderr := r.command()
	cmd.Files = r.files()
	cmd.Sinks = r.sinks()
	result, err := r.d.pool.Run(ctx, pool.Call{Caller: r.caller(), Policy: r.policy, Command: cmd})
	if err != nil {
		return nil, cause(ctx, err)
	}
	return resultOf(result, stdout, stderr), nil
}

// files are the request's, where the command finds them.
func (r *run) files() (out []mcpruntime.File) {
	for _, f := range r.req.Files {
		out = append(out, mcpruntime.File{Path: workPath(f.Path), Data: f.Bytes()})
	}
	return out
}

// cause prefers the reason why a context ended to what came of that.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil {
		return errors.Join(why, err)
	}
	return err
}

// alone runs a command in a sandbox of its own.
func (r *run) alone(ctx context.Context) (*api.Result, error) {
	leave, err := r.d.pool.Enter(ctx, r.caller())
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer leave()
	cmd, stdout, stderr := r.command()
	spec := mcpruntime.Spec{
		Policy:     r.policy,
		BestEffort: r.d.cfg.Load().BestEffort,
		Secrets:    r.d.cfg.Load().Sources(),
		Sinks:      r.sinks(),
	}
	spec.Files = r.files()
	result, err := mcpruntime.Run(ctx, spec, cmd)
	if err != nil {
		return nil, cause(ctx, err)
	}
	return resultOf(result, stdout, stderr), nil
}

// snippet runs code: in a cell, or in a sandbox of its own.
func (r *run) snippet(ctx context.Context) (*api.Result, error) {
	cfg := r.d.cfg.Load()
	runner := code.Runner{Policy: r.policy, BestEffort: cfg.BestEffort, Secrets: cfg.Sources(),
		Sinks: r.sinks, Origin: r.whose}
	if !r.fresh && r.d.code.Takes(r.policy) {
		runner.Pool, runner.Caller = r.d.code, r.caller()
	} else {
		leave, err := r.d.pool.Enter(ctx, r.caller())
		if err != nil {
			return nil, cause(ctx, err)
		}
		defer leave()
	}
	if r.req.Session != "" {
		if err := r.maySession(); err != nil {
			return nil, err
		}
	}
	req := r.request()
	if r.follow != nil || r.req.Mode == api.Async { // somebody may look while it runs
		r.stdout.also, r.stderr.also = r.follow, r.follow
		req.Stdout, req.Stderr = r.stdout, r.stderr
	}
	result, err := runner.Run(ctx, req)
	var busy *pool.BusyError
	if errors.As(err, &busy) || errors.Is(err, pool.ErrClosed) {
		return nil, cause(ctx, err)
	}
	if err != nil {
		return nil, bad(err)
	}
	r.ran = result
	return codeResult(result), nil
}

func (r *run) request() code.Request {
	if r.asked != nil {
		return *r.asked
	}
	req := code.Request{
		Language:  r.req.Language,
		Code:      []byte(r.req.Code),
		Args:      r.req.Args,
		Stdin:     r.stdin(),
		MaxOutput: min(r.req.MaxOutput, maxOutput),
		Session:   r.req.Session,
	}
	for _, f := range r.req.Files {
		req.Files = append(req.Files, code.File{Name: f.Path, Data: f.Bytes()})
	}
	return req
}

// runFor runs a snippet that did not come as an execution, and keeps it as one.
func (d *daemon) runFor(ctx context.Context, client, caller string, policy *policies.Policy,
	req *code.Request) (*code.Result, error) {
	if d.draining.Load() {
		return nil, errShutdown
	}
	run := &run{d: d, policy: policy, asked: req, restricted: true,
		req: api.ExecutionRequest{Code: string(req.Code), Session: req.Session},
		x: api.Execution{ID: newID("x-"), State: api.Running, Client: client, Caller: caller,
			Policy: policy.Name, Language: req.Language, Created: time.Now().UTC()}}
	if err := run.do(d.begin(ctx, run)); err != nil {
		return nil, err
	}
	if run.x.Problem != nil {
		return nil, hint.Wrap(run.x.Problem, run.x.Problem.Remedy)
	}
	if run.ran == nil { // it was canceled before it started
		return nil, context.Cause(ctx)
	}
	return run.ran, nil
}

// neverRan is the result of what was canceled before it started.
func neverRan(policy *policies.Policy, command []string, why error) *api.Result {
	const exitFailure = 125
	spec, cmd := mcpruntime.Spec{Policy: policy}, mcpruntime.Command{Args: command}
	out := resultOf(mcpruntime.SetupResult(spec, cmd, why, exitFailure), nil, nil)
	out.Status = string(mcpruntime.StatusCanceled)
	return out
}

// caller is whose turn it is.
func (r *run) caller() string { return r.x.Client + "/" + r.x.Caller }

// clientOf is the client that a caller belongs to.
func clientOf(caller string) string {
	client, _, _ := strings.Cut(caller, "/")
	return client
}

func (r *run) sinks() []monitor.Sink { return []monitor.Sink{r.d.hub.Sink(r.origin())} }

func (r *run) command() (cmd mcpruntime.Command, stdout, stderr *output) {
	stdout, stderr = r.stdout, r.stderr
	stdout.also, stderr.also = r.follow, r.follow
	return mcpruntime.Command{
		Args:   r.req.Command,
		Env:    environment(r.req.Env),
		Dir:    r.req.Dir,
		Stdin:  r.stdin(),
		Stdout: stdout,
		Stderr: stderr,
		Origin: r.whose,
	}, stdout, stderr
}

func (r *run) stdin() *strings.Reader {
	if r.req.StdinData != nil {
		return strings.NewReader(string(r.req.StdinData))
	}
	return strings.NewReader(r.req.Stdin)
}

func environment(env map[string]string) (out []string) {
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// workPath is where a file is put: relative paths are below /work.
func workPath(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/work", name)
}
