package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/report"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/door"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// createExecution: POST /v1/executions
func (d *daemon) createExecution(w http.ResponseWriter, r *http.Request) {
	id, _ := door.From(r.Context())
	run := &run{d: d}
	body, err := d.decode(w, r, &run.req)
	if err == nil {
		run.once, err = onceKey(r)
	}
	if err == nil {
		err = d.accept(run, id)
	}
	if err == nil && d.draining.Load() {
		err = errShutdown
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if run.once != "" {
		run.digest = digest(r, body)
		if d.answeredBefore(w, r, run) {
			return
		}
	}
	d.start(w, r, run)
}

// accept checks the request and finds its policy.
func (d *daemon) accept(run *run, id door.Identity) (err error) {
	req := &run.req
	if err := checkExecution(req); err != nil {
		return err
	}
	name := req.Policy
	if name == "" && req.Code != "" && len(req.Document) == 0 {
		name = "code-" + cmp.Or(req.Tier, "standard")
	}
	run.restricted = id.Restricted
	if run.policy, run.fresh, err = d.choose(id, name, req.Document); err != nil {
		return err
	}
	run.x = api.Execution{
		ID:       newID("x-"),
		State:    api.Running,
		Client:   id.Client,
		Caller:   req.Caller,
		Policy:   run.policy.Name,
		Language: req.Language,
		Command:  req.Command,
		Created:  time.Now().UTC(),
	}
	if req.Code != "" {
		run.x.Command = nil
	}
	return nil
}

func checkExecution(req *api.ExecutionRequest) error {
	unprocessable := func(remedy, detail string) error {
		return newProblem(http.StatusUnprocessableEntity, remedy, detail)
	}
	switch {
	case (len(req.Command) == 0) == (req.Code == ""):
		return unprocessable(
			`{"command": ["echo", "hello"]} or {"code": "print(1)", "language": "python"}`,
			"give either a command or code",
		)
	case req.Code != "" && (req.Dir != "" || len(req.Env) > 0):
		return unprocessable("leave them out, or run a command", "code has no dir and no env")
	case req.Code == "" && (len(req.Args) > 0 || req.Language != ""):
		return unprocessable("write the arguments into command", "language and args belong to code")
	case req.Code == "" && (req.Session != "" || req.Tier != ""):
		return unprocessable("for commands that share files: POST /v1/sandboxes",
			"session and tier belong to code")
	case req.Tier != "" && (req.Policy != "" || len(req.Document) > 0):
		return unprocessable("give one of them", "tier and policy exclude each other")
	case req.Tier != "" && req.Tier != "standard" && req.Tier != "secure":
		return unprocessable("use standard or secure",
			"tier "+strconv.QuoteToASCII(req.Tier)+" is not known")
	case len(req.Session) > 128:
		return unprocessable("give at most 128 bytes", "session is too long")
	case req.Stdin != "" && req.StdinData != nil:
		return unprocessable("give one of them", "stdin and stdin_data exclude each other")
	case req.Timeout < 0 || req.Timeout > 1e6 || math.IsNaN(req.Timeout):
		return unprocessable("give seconds", "timeout: that is no time")
	case req.Mode != "" && req.Mode != api.Sync && req.Mode != api.Stream && req.Mode != api.Async:
		return unprocessable("use sync, stream or async",
			"mode "+strconv.QuoteToASCII(string(req.Mode))+" is not known")
	case len(req.Caller) > 128:
		return unprocessable("give at most 128 bytes", "caller is too long")
	}
	if err := checkFiles(req.Files); err != nil {
		return err
	}
	return checkCommand(req.Command, req.Env, req.Dir)
}

// checkFiles bounds what is put into a sandbox before it starts. Where it may lie, package runtime
// knows.
func checkFiles(files []api.File) error {
	const most, longest = 256, 1024
	if len(files) > most {
		return newProblem(http.StatusUnprocessableEntity, "send an archive, and unpack it inside",
			"there are more than 256 files")
	}
	for _, f := range files {
		if f.Path == "" || len(f.Path) > longest {
			return newProblem(http.StatusUnprocessableEntity, "give each a path below /work",
				"a file has no path, or a long one")
		}
		if p := checkText("a file's path", f.Path); p != nil {
			return p
		}
		if f.Text != "" && f.Data != nil {
			return newProblem(http.StatusUnprocessableEntity, "give one of them",
				"a file's text and data exclude each other")
		}
	}
	return nil
}

// checkCommand refuses what execve(2) can't take.
func checkCommand(command []string, env map[string]string, dir string) error {
	if len(command) > 0 && command[0] == "" {
		return newProblem(http.StatusUnprocessableEntity, "name the program",
			"the command's first word is empty")
	}
	if p := checkText("the command", command...); p != nil {
		return p
	}
	for k, v := range env {
		if k == "" || strings.Contains(k, "=") {
			return newProblem(http.StatusUnprocessableEntity, "give it a name without =",
				"env has a variable without a proper name")
		}
		if p := checkText("env", k, v); p != nil {
			return p
		}
	}
	if p := checkText("dir", dir); p != nil {
		return p
	}
	if dir != "" && !strings.HasPrefix(dir, "/") {
		return newProblem(http.StatusUnprocessableEntity,
			"give an absolute path in the sandbox, such as /work", "dir is not absolute")
	}
	return nil
}

// answeredBefore answers a request whose idempotency key was used before. Else it claims the key.
func (d *daemon) answeredBefore(w http.ResponseWriter, r *http.Request, run *run) bool {
	err := run.save(run.x)
	if err == nil {
		return false
	}
	if !errors.Is(err, state.ErrOnce) {
		d.fail(w, r, err)
		return true
	}
	row, err := d.db.ExecutionOnce(run.once, run.x.Client)
	if err == nil && row.Request != run.digest {
		err = errOtherRequest()
	}
	if err != nil {
		d.fail(w, r, err)
		return true
	}
	d.answerRow(w, r, row)
	return true
}

// answerRow answers as the first request was answered.
func (d *daemon) answerRow(w http.ResponseWriter, r *http.Request, row state.Execution) {
	var x api.Execution
	if err := json.Unmarshal(row.Body, &x); err != nil {
		d.fail(w, r, err)
		return
	}
	switch {
	case x.State == api.Running:
		answer(w, http.StatusAccepted, x)
	case x.Problem != nil:
		d.problem(w, r, x.Problem)
	default:
		answer(w, http.StatusOK, x)
	}
}

// start runs it, in the way that the client wants the result.
func (d *daemon) start(w http.ResponseWriter, r *http.Request, run *run) {
	switch run.req.Mode {
	case api.Async:
		d.startAsync(w, r, run)
	case api.Stream:
		ctx := d.begin(r.Context(), run)
		d.mu.Lock()
		x := run.x
		d.mu.Unlock()
		run.follow = newMessages(w, func() { run.cancel(errCanceled) })
		run.follow.send(api.Message{Kind: api.KindStarted, Execution: &x})
		run.stream(ctx)
	default:
		ctx := d.begin(r.Context(), run)
		err := run.do(ctx)
		w.Header().Set("Server-Timing", fmt.Sprintf("work;dur=%.3f",
			run.worked.Seconds()*1000)) // what is left is the daemon's, and the way
		switch {
		case err != nil:
			d.fail(w, r, err)
		case run.x.Problem != nil:
			d.problem(w, r, run.x.Problem)
		case run.x.Result != nil && len(run.x.Result.Files) > 0:
			answer(w, http.StatusOK, run.x)
		default: // what is kept is what is answered
			w.Header().Set("Content-Type", "application/json")
			send(w, http.StatusOK, append(run.kept, '\n'))
		}
	}
}

func (d *daemon) startAsync(w http.ResponseWriter, r *http.Request, run *run) {
	if err := run.save(run.x); err != nil {
		d.fail(w, r, err)
		return
	}
	x := run.x
	ctx := d.begin(context.WithoutCancel(r.Context()), run)
	share := shareOf(r)
	share.Keep() // the body's content stays in memory
	d.work.Go(func() {
		defer share.Leave()
		if err := run.do(ctx); err != nil {
			d.log.Error("a result could not be kept", "id", run.x.ID, "error", err)
		}
	})
	w.Header().Set("Location", "/v1/executions/"+x.ID)
	answer(w, http.StatusAccepted, x)
}

// stream sends events as they come, and the result at the end.
func (r *run) stream(ctx context.Context) {
	events, stop := r.d.hub.Follow()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for e := range events {
			if e.Execution == r.x.ID {
				r.follow.send(api.Message{Kind: api.KindEvent, Event: &e.Event})
			}
		}
	}()
	err := r.do(ctx)
	stop()
	<-sent
	switch {
	case err != nil:
		r.follow.send(api.Message{Kind: api.KindError, Problem: r.d.problemOf(err)})
	case r.x.Problem != nil:
		r.follow.send(api.Message{Kind: api.KindError, Problem: r.x.Problem})
	default:
		x := r.x
		r.follow.send(api.Message{Kind: api.KindResult, Execution: &x})
	}
}

// visible is the client whose things the asker may see: its own, or, for the daemon's user and
// root, all ("").
func visible(r *http.Request) string {
	if id, _ := door.From(r.Context()); id.Restricted {
		return id.Client
	}
	return ""
}

// find returns one that runs, or one that is kept.
func (d *daemon) find(r *http.Request) (*run, *api.Execution, error) {
	id, client := r.PathValue("id"), visible(r)
	d.mu.Lock()
	if run := d.runs[id]; run != nil && (client == "" || run.x.Client == client) {
		x := run.x
		d.mu.Unlock()
		return run, &x, nil
	}
	d.mu.Unlock()
	row, err := d.db.Execution(id, client)
	if err != nil {
		return nil, nil, err
	}
	x := new(api.Execution)
	return nil, x, json.Unmarshal(row.Body, x)
}

// getExecution: GET /v1/executions/{id}; ?wait= seconds waits for the end.
func (d *daemon) getExecution(r *http.Request) (*api.Execution, error) {
	wait, err := number(r, "wait", 0, 600)
	if err != nil {
		return nil, err
	}
	run, x, err := d.find(r)
	if err == nil && run != nil && wait > 0 {
		timer := time.NewTimer(time.Duration(wait) * time.Second)
		defer timer.Stop()
		select {
		case <-run.done:
			_, x, err = d.find(r)
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	return x, err
}

// cancelExecution: DELETE /v1/executions/{id}
func (d *daemon) cancelExecution(r *http.Request) (*api.Execution, error) {
	run, x, err := d.find(r)
	if err == nil && run != nil {
		run.cancel(errCanceled)
		<-run.done
		_, x, err = d.find(r)
	}
	return x, err
}

// getReport: GET /v1/executions/{id}/report
func (d *daemon) getReport(r *http.Request) (out report.Report, err error) {
	run, x, err := d.find(r)
	if err == nil && run != nil {
		err = newProblem(http.StatusConflict,
			"ask again when it has ended: ?wait= of GET /v1/executions/{id}", "it still runs")
	}
	if err != nil {
		return out, err
	}
	return report.New(viewOf(x)), nil
}

// listExecutions: GET /v1/executions
func (d *daemon) listExecutions(r *http.Request) (*api.Executions, error) {
	q := r.URL.Query()
	limit, err := number(r, "limit", 50, 500)
	before, err2 := number(r, "before", 0, math.MaxInt64)
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	out := &api.Executions{Executions: []api.Execution{}}
	if q.Get("state") == string(api.Running) {
		out.Executions = append(out.Executions, d.listRunning(visible(r), q.Get("caller"))...)
		return out, nil
	}
	rows, more, err := d.db.Executions(state.Filter{Client: visible(r), Caller: q.Get("caller"),
		State: q.Get("state"), Before: before, Limit: int(limit)})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		var x api.Execution
		if err := json.Unmarshal(row.Body, &x); err != nil {
			return nil, err
		}
		out.Executions = append(out.Executions, x)
	}
	if len(rows) > 0 && more {
		out.Next = strconv.FormatInt(rows[len(rows)-1].Seq, 10)
	}
	return out, nil
}

func (d *daemon) listRunning(client, caller string) (out []api.Execution) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, run := range d.runs {
		if (client == "" || run.x.Client == client) && (caller == "" || run.x.Caller == caller) {
			out = append(out, run.x)
		}
	}
	return out
}

// loseExecutions says of what ran when the daemon before this one ended that it is lost.
func (d *daemon) loseExecutions() error {
	rows, err := d.db.Unfinished()
	if err != nil {
		return err
	}
	for _, row := range rows {
		var x api.Execution
		if err := json.Unmarshal(row.Body, &x); err != nil {
			return err
		}
		now := time.Now().UTC()
		x.State, x.Ended = api.Lost, &now
		x.Problem = newProblem(http.StatusServiceUnavailable, "ask for it again",
			"the daemon ended while it ran")
		row.State = string(api.Lost)
		if row.Body, err = json.Marshal(x); err == nil {
			err = d.db.SaveExecution(row, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
