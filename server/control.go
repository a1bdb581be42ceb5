package server

import (
	"net/http"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/door"
)

// isKept reports whether a sandbox is in quarantine.
func (d *daemon) isKept(b *box) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return b.info.State == api.Quarantined
}

func errKept(id string) error {
	return newProblem(http.StatusConflict, "an operator can release it: POST /v1/sandboxes/"+id+
		"/release", "a rule has put the sandbox into quarantine")
}

// quarantine keeps a sandbox as a rule has stopped it.
func (d *daemon) quarantine(b *box, e monitor.Event) {
	d.mu.Lock()
	kept := b.info.Live() && b.info.State != api.Quarantined
	if kept {
		b.info.State, b.info.Reason = api.Quarantined, "rule "+e.Rule
		b.info.Used = time.Now().UTC()
		close(b.kept)
	}
	info := b.info
	d.mu.Unlock()
	if !kept {
		return
	}
	d.log.Warn("a sandbox is in quarantine", "sandbox", info.ID, "rule", e.Rule, "event", e.ID)
	if err := d.saveBox(info); err != nil {
		d.log.Error("a quarantine could not be kept", "sandbox", info.ID, "error", err)
	}
}

// operator refuses clients that are restricted.
func operator(r *http.Request) error {
	if id, _ := door.From(r.Context()); id.Restricted {
		return newProblem(http.StatusForbidden, "ask the operator of the daemon",
			"this is for the daemon's own user and root")
	}
	return nil
}

// pauseSandbox: POST /v1/sandboxes/{id}/pause
func (d *daemon) pauseSandbox(r *http.Request) (*api.Sandbox, error) {
	return d.changeState(r, api.Started, api.Paused, func(b *box) error {
		return b.sandbox.Pause(r.Context())
	})
}

// resumeSandbox: POST /v1/sandboxes/{id}/resume
func (d *daemon) resumeSandbox(r *http.Request) (*api.Sandbox, error) {
	return d.changeState(r, api.Paused, api.Started, func(b *box) error {
		return b.sandbox.Resume(r.Context())
	})
}

// releaseSandbox: POST /v1/sandboxes/{id}/release ends a quarantine. The network stays cut.
func (d *daemon) releaseSandbox(r *http.Request) (*api.Sandbox, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	return d.changeState(r, api.Quarantined, api.Started, func(b *box) error {
		if err := b.sandbox.Resume(r.Context()); err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		b.kept = make(chan struct{})
		return nil
	})
}

// changeState takes a sandbox from one state to another. One that is there already stays.
func (d *daemon) changeState(r *http.Request, from, to string,
	change func(*box) error) (*api.Sandbox, error) {
	b, err := d.box(r)
	if err != nil {
		return nil, err
	}
	b.changing.Lock()
	defer b.changing.Unlock()
	d.mu.Lock()
	state := b.info.State
	d.mu.Unlock()
	if state != from && state != to {
		return nil, newProblem(http.StatusConflict, "GET /v1/sandboxes/{id} shows its state",
			"the sandbox is "+state)
	}
	if state == from {
		if err := change(b); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	if b.info.State == from {
		b.info.State, b.info.Reason, b.info.Used = to, "", time.Now().UTC()
	}
	info := b.view()
	d.mu.Unlock()
	return &info, d.saveBox(info)
}

// changeSandbox: PATCH /v1/sandboxes/{id}
func (d *daemon) changeSandbox(r *http.Request, req api.Change) (*api.Limits, error) {
	b, err := d.box(r)
	if err == nil {
		err = mayChange(r, b, req.Limits)
	}
	if err != nil {
		return nil, err
	}
	now, err := b.sandbox.SetLimits(req.Limits)
	if err != nil {
		return nil, err
	}
	out := &api.Limits{Limits: map[string]api.Limit{}}
	for name, l := range now {
		out.Limits[name] = api.Limit{Value: l.Value, Backend: l.Backend, Reported: l.Reported}
	}
	return out, nil
}

// mayChange refuses values that no policy could have, and, from a restricted client, more than the
// policy gives.
func mayChange(r *http.Request, b *box, l policies.Limits) error {
	probe := *b.policy
	probe.Limits = l
	if l.Memory < 0 || l.PIDs < 0 || l.CPUs < 0 || l.Timeout < 0 {
		return newProblem(http.StatusUnprocessableEntity, "give a number above zero",
			"a limit is less than zero")
	}
	if err := probe.Validate(); err != nil {
		return bad(err)
	}
	id, _ := door.From(r.Context())
	own := b.policy.Limits
	more := own.Memory > 0 && l.Memory > own.Memory || own.PIDs > 0 && l.PIDs > own.PIDs ||
		own.CPUs > 0 && l.CPUs > own.CPUs || own.Timeout > 0 && l.Timeout > own.Timeout
	if id.Restricted && more {
		return forbidden("more than the policy "+b.policy.Name+" gives", "ask for less")
	}
	return nil
}

// clearSandboxes: DELETE /v1/sandboxes?age=3600&idle=600 destroys those that are older, or that
// nobody has used for longer.
func (d *daemon) clearSandboxes(r *http.Request) (*api.Cleared, error) {
	const longest = 10 * 365 * 24 * 3600
	age, err := number(r, "age", -1, longest)
	var idle int64
	if err == nil {
		idle, err = number(r, "idle", -1, longest)
	}
	if err == nil && age < 0 && idle < 0 {
		err = newProblem(http.StatusBadRequest, "?age=3600 or ?idle=600, in seconds",
			"it does not say which sandboxes")
	}
	if err != nil {
		return nil, err
	}
	now, client := time.Now(), visible(r)
	var stale []*box
	d.mu.Lock()
	for _, b := range d.boxes {
		if b.sandbox == nil || b.info.State == api.Quarantined ||
			client != "" && b.info.Client != client {
			continue
		}
		old := age >= 0 && now.Sub(b.info.Created) >= time.Duration(age)*time.Second
		unused := idle >= 0 && len(b.running) == 0 &&
			now.Sub(b.info.Used) >= time.Duration(idle)*time.Second
		if old || unused {
			stale = append(stale, b)
		}
	}
	d.mu.Unlock()
	out := &api.Cleared{Destroyed: []string{}}
	for _, b := range stale {
		d.endBox(b, "cleared by "+visibleName(r))
		out.Destroyed = append(out.Destroyed, b.info.ID)
	}
	return out, nil
}
