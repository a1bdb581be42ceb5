package server

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/config"
	"github.com/mcpbox/mcpbox/server/internal/door"
	"github.com/mcpbox/mcpbox/server/internal/hub"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// box is a sandbox that lives on between its commands. The daemon's lock guards what changes.
type box struct {
	sandbox   *mcpruntime.Sandbox
	policy    *policies.Policy
	changing  sync.Mutex // its state
	of        monitor.Origin
	idle, age time.Duration
	info      api.Sandbox
	running   map[*mcpruntime.Process]bool
	busy      int           // commands, with those that start
	kept      chan struct{} // closed when it is quarantined
	ended     chan struct{}
}

// createSandbox: POST /v1/sandboxes
func (d *daemon) createSandbox(r *http.Request, req api.SandboxRequest) (*api.Sandbox, error) {
	id, _ := door.From(r.Context())
	return d.newBox(r.Context(), id, req)
}

func (d *daemon) newBox(
	ctx context.Context,
	id door.Identity,
	req api.SandboxRequest,
) (*api.Sandbox, error) {
	if d.draining.Load() {
		return nil, errShutdown
	}
	if req.Idle < 0 || req.Age < 0 || len(req.Caller) > 128 || len(req.Labels) > 16 ||
		len(strings.Join(req.Labels, "")) > 1024 {
		return nil, newProblem(http.StatusUnprocessableEntity, "docs/API.md has the bounds",
			"idle, age, caller or labels are out of bounds")
	}
	if err := checkFiles(req.Files); err != nil {
		return nil, err
	}
	policy, _, err := d.choose(id, req.Policy, req.Document)
	if err != nil {
		return nil, err
	}
	most := d.cfg.Load().Sandboxes
	now := time.Now().UTC()
	b := &box{
		policy:  policy,
		of:      monitor.Origin{Client: id.Client, Caller: req.Caller},
		idle:    atMost(req.Idle, time.Duration(most.Idle)),
		age:     atMost(req.Age, time.Duration(most.Age)),
		running: map[*mcpruntime.Process]bool{},
		kept:    make(chan struct{}),
		ended:   make(chan struct{}),
		info: api.Sandbox{
			ID:      newID("s-"),
			State:   api.Started,
			Client:  id.Client,
			Caller:  req.Caller,
			Policy:  policy.Name,
			Labels:  req.Labels,
			Created: now,
			Used:    now,
		},
	}
	if err := d.place(b, id, most); err != nil {
		return nil, err
	}
	spec := mcpruntime.Spec{
		Policy:     policy,
		BestEffort: d.cfg.Load().BestEffort,
		Secrets:    d.cfg.Load().Sources(),
		Sinks: []monitor.Sink{
			d.hub.Sink(hub.Origin{Execution: b.info.ID, Client: id.Client, Caller: req.Caller}),
		},
	}
	spec.Quarantine = func(e monitor.Event) { d.quarantine(b, e) }
	for _, f := range req.Files {
		spec.Files = append(spec.Files, mcpruntime.File{Path: workPath(f.Path), Data: f.Bytes()})
	}
	sandbox, err := mcpruntime.Start(ctx, spec)
	if err == nil {
		if err = d.saveBox(b.info); err != nil {
			sandbox.Close()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		delete(d.boxes, b.info.ID)
		return nil, err
	}
	b.sandbox = sandbox
	go func() { // it may end by itself: a limit, a rule
		<-sandbox.Done()
		d.endBox(b, "a limit or a rule of the policy ended it")
	}()
	info := b.info
	return &info, nil
}

// place gives a sandbox its place among those that the daemon, and a restricted client, may have.
func (d *daemon) place(b *box, id door.Identity, most config.Sandboxes) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	own := 0
	for _, other := range d.boxes {
		if other.info.Client == id.Client {
			own++
		}
	}
	whose := ""
	switch {
	case len(d.boxes) >= most.Most:
		whose = "the daemon"
	case id.Restricted && own >= most.PerClient:
		whose = "the client"
	default:
		d.boxes[b.info.ID] = b
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, "destroy one that is not used",
		"there are as many sandboxes as "+whose+" may have")
	p.RetryAfter = 10
	return p
}

// atMost is what was asked for in seconds, at most most.
func atMost(asked float64, most time.Duration) time.Duration {
	if asked == 0 || asked > most.Seconds() {
		return most
	}
	return time.Duration(asked * float64(time.Second))
}

func (d *daemon) saveBox(info api.Sandbox) error {
	body, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return d.db.SaveSandbox(
		state.Sandbox{
			ID:      info.ID,
			State:   info.State,
			Client:  info.Client,
			Created: info.Created,
			Body:    body,
		},
	)
}

// endBox takes a sandbox down, and waits until nothing is left of it. The first reason is the one
// that is kept.
func (d *daemon) endBox(b *box, reason string) {
	d.mu.Lock()
	if b.info.Live() {
		now := time.Now().UTC()
		b.info.State, b.info.Reason, b.info.Ended = "ended", reason, &now
		info := b.info
		d.mu.Unlock()
		if err := b.sandbox.Close(); err != nil {
			d.log.Error("a sandbox did not end cleanly", "sandbox", info.ID, "error", err)
		}
		if err := d.saveBox(info); err != nil {
			d.log.Error("the end of a sandbox could not be kept", "sandbox", info.ID, "error", err)
		}
		d.mu.Lock()
		delete(d.boxes, info.ID)
		d.mu.Unlock()
		close(b.ended)
		return
	}
	d.mu.Unlock()
	<-b.ended
}

// box finds one that runs and that the asker may see.
func (d *daemon) box(r *http.Request) (*box, error) {
	id, client := r.PathValue("id"), visible(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.boxes[id]
	if b != nil && b.sandbox != nil && b.info.Live() &&
		(client == "" || b.info.Client == client) {
		return b, nil
	}
	row, err := d.db.Sandbox(id, client)
	if err != nil {
		return nil, err
	}
	var info api.Sandbox
	if err := json.Unmarshal(row.Body, &info); err != nil {
		return nil, err
	}
	return nil, newProblem(http.StatusGone, "create another one",
		"the sandbox is "+info.State+": "+info.Reason)
}

// listSandboxes: GET /v1/sandboxes
func (d *daemon) listSandboxes(r *http.Request) (*api.Sandboxes, error) {
	out := &api.Sandboxes{Sandboxes: []api.Sandbox{}}
	client := visible(r)
	d.mu.Lock()
	for _, b := range d.boxes {
		if b.sandbox != nil && (client == "" || b.info.Client == client) {
			out.Sandboxes = append(out.Sandboxes, b.view())
		}
	}
	d.mu.Unlock()
	slices.SortFunc(out.Sandboxes,
		func(a, b api.Sandbox) int { return a.Created.Compare(b.Created) })
	return out, nil
}

func (b *box) view() api.Sandbox {
	info := b.info
	info.Running = len(b.running)
	return info
}

// getSandbox: GET /v1/sandboxes/{id}
func (d *daemon) getSandbox(r *http.Request) (*api.Sandbox, error) {
	b, err := d.box(r)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	info := b.view()
	return &info, nil
}

// destroySandbox: DELETE /v1/sandboxes/{id}
func (d *daemon) destroySandbox(r *http.Request) (*api.Sandbox, error) {
	b, err := d.box(r)
	if err == nil && d.isKept(b) {
		err = operator(r)
	}
	if err != nil {
		return nil, err
	}
	d.endBox(b, "destroyed by "+visibleName(r))
	d.mu.Lock()
	defer d.mu.Unlock()
	info := b.info
	return &info, nil
}

func visibleName(r *http.Request) string {
	id, _ := door.From(r.Context())
	return id.Client
}

// sandboxStats: GET /v1/sandboxes/{id}/stats
func (d *daemon) sandboxStats(r *http.Request) (*api.Usage, error) {
	b, err := d.box(r)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	running := slices.Collect(maps.Keys(b.running))
	d.mu.Unlock()
	out := &api.Usage{}
	for _, p := range running {
		u := p.Usage()
		sent, received := p.Traffic()
		out.Commands++
		out.CPU = sum(out.CPU, u.CPU.Seconds())
		out.Memory = sum(out.Memory, u.MemoryCurrent)
		out.Processes = sum(out.Processes, u.PIDsCurrent)
		out.Read, out.Written = sum(out.Read, u.ReadBytes), sum(out.Written, u.WrittenBytes)
		out.Sent, out.Received = sum(out.Sent, sent), sum(out.Received, received)
	}
	return out, nil
}

// sum is -1, for unknown, if one of the two is.
func sum[N int64 | float64](a, b N) N {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

// sweepBoxes destroys what is too old, and what nobody has used for too long.
func (d *daemon) sweepBoxes(now time.Time) {
	reasons := map[*box]string{}
	d.mu.Lock()
	for _, b := range d.boxes {
		switch {
		case b.sandbox == nil || b.info.State == api.Quarantined:
		case now.Sub(b.info.Created) > b.age:
			reasons[b] = "it was too old"
		case len(b.running) == 0 && now.Sub(b.info.Used) > b.idle:
			reasons[b] = "nobody used it"
		}
	}
	d.mu.Unlock()
	for b, reason := range reasons {
		d.endBox(b, reason)
	}
}

func (d *daemon) closeBoxes() {
	d.mu.Lock()
	all := slices.Collect(maps.Values(d.boxes))
	d.mu.Unlock()
	for _, b := range all {
		if b.sandbox != nil {
			d.endBox(b, errShutdown.Error())
		}
	}
}

// loseSandboxes says of what ran when the daemon before this one ended that it is lost.
func (d *daemon) loseSandboxes() error {
	rows, err := d.db.LiveSandboxes()
	if err != nil {
		return err
	}
	var errs []error
	for _, row := range rows {
		var info api.Sandbox
		if err := json.Unmarshal(row.Body, &info); err != nil {
			return err
		}
		now := time.Now().UTC()
		info.State, info.Reason, info.Ended = "lost", "the daemon ended while it ran", &now
		errs = append(errs, d.saveBox(info))
	}
	return errors.Join(errs...)
}
