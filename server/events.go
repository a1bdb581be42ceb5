package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/config"
	"github.com/mcpbox/mcpbox/server/internal/state"
	"github.com/mcpbox/mcpbox/server/internal/webhook"
)

// listEvents: GET /v1/events
func (d *daemon) listEvents(w http.ResponseWriter, r *http.Request) {
	filter, err := eventFilter(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if r.URL.Query().Get("follow") != "" || r.Header.Get("Accept") == "text/event-stream" {
		d.followEvents(w, r, filter)
		return
	}
	out, err := d.events(filter)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, out)
}

func eventFilter(r *http.Request) (f state.Filter, err error) {
	q := r.URL.Query()
	f = state.Filter{
		Client:    visible(r),
		Caller:    q.Get("caller"),
		Sandbox:   q.Get("sandbox"),
		Execution: q.Get("execution"),
		Type:      q.Get("type"),
	}
	limit, err1 := number(r, "limit", 100, 1000)
	after, err2 := number(r, "after", 0, math.MaxInt64)
	f.Limit, f.After = int(limit), after
	if err := errors.Join(err1, err2); err != nil {
		return f, err
	}
	if f.Type != "" && !monitor.Type(f.Type).Valid() {
		return f, newProblem(http.StatusBadRequest, "mcpbox events --help lists them",
			"?type= is no event type")
	}
	if s := monitor.Severity(q.Get("severity")); s != "" {
		if !s.Valid() {
			return f, newProblem(http.StatusBadRequest, "use one of: low, medium, high, critical",
				"?severity= is none")
		}
		f.Severity = state.Rank(s)
	}
	if since := q.Get("since"); since != "" {
		if f.Since, err = time.Parse(time.RFC3339, since); err != nil {
			return f, newProblem(http.StatusBadRequest, "write 2026-01-31T12:00:00Z",
				"?since= is no time")
		}
	}
	return f, nil
}

func (d *daemon) events(f state.Filter) (*api.Events, error) {
	rows, err := d.db.Events(f)
	if err != nil {
		return nil, err
	}
	out := &api.Events{Events: []api.Event{}, Next: f.After}
	for _, row := range rows {
		e := api.Event{
			Seq:       row.Seq,
			Execution: row.Execution,
			Client:    row.Client,
			Caller:    row.Caller,
		}
		if err := json.Unmarshal(row.Body, &e.Event); err != nil {
			return nil, err
		}
		out.Events, out.Next = append(out.Events, e), row.Seq
	}
	return out, nil
}

// followEvents sends events as they come, as server-sent events. A client that comes again says
// with Last-Event-ID where it was.
func (d *daemon) followEvents(w http.ResponseWriter, r *http.Request, f state.Filter) {
	events, stop := d.hub.Follow()
	defer stop()
	ctl := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	send := func(e *api.Event) error {
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_ = ctl.SetWriteDeadline(time.Now().Add(clientTime))
		_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, data)
		return err
	}
	last, err := number(r, "after", 0, math.MaxInt64)
	if _, scanErr := fmt.Sscan(r.Header.Get("Last-Event-ID"), &f.After); scanErr == nil {
		last = f.After
	}
	for again := err == nil && last > 0; again; {
		page, err := d.events(f)
		if err != nil {
			return
		}
		for _, e := range page.Events {
			if send(&e) != nil {
				return
			}
		}
		again, f.After = len(page.Events) > 0 && len(page.Events) == f.Limit, page.Next
	}
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	for {
		if ctl.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			_ = ctl.SetWriteDeadline(time.Now().Add(clientTime))
			_, _ = fmt.Fprint(w, ": still here\n\n")
		case e, open := <-events:
			if !open {
				return
			}
			if matches(e, f) && send(e) != nil {
				return
			}
		}
	}
}

func matches(e *api.Event, f state.Filter) bool {
	same := func(want, is string) bool { return want == "" || want == is }
	return same(f.Client, e.Client) && same(f.Caller, e.Caller) && same(f.Sandbox, e.Sandbox) &&
		same(f.Execution, e.Execution) && same(f.Type, string(e.Type)) &&
		state.Rank(e.Severity) >= f.Severity && !e.Time.Before(f.Since)
}

// eraseCaller: DELETE /v1/callers/{caller}
func (d *daemon) eraseCaller(r *http.Request) (*api.Erased, error) {
	executions, events, sandboxes, err := d.db.Erase(visibleName(r), r.PathValue("caller"))
	if err != nil {
		return nil, err
	}
	return &api.Erased{Executions: executions, Events: events, Sandboxes: sandboxes}, nil
}

// exportCaller: GET /v1/callers/{caller} sends all that is kept, a JSON object a line.
func (d *daemon) exportCaller(w http.ResponseWriter, r *http.Request) {
	out := bufio.NewWriter(w)
	w.Header().Set("Content-Type", api.StreamType)
	err := d.db.Export(visibleName(r), r.PathValue("caller"), func(kind string, body []byte) error {
		_, err := fmt.Fprintf(out, "{\"kind\":%q,%q:%s}\n", kind, kind, body)
		return err
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		d.log.Error("an export broke off", "error", err) // the status has been sent
		panic(http.ErrAbortHandler)
	}
}

// watch logs what rules ask for, and tells the config's webhooks.
func (d *daemon) watch(ctx context.Context) {
	events, stop := d.hub.Follow()
	defer stop()
	d.work.Go(func() { d.hooks.Run(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-events:
			if !open {
				return
			}
			if monitor.MatchedRule(e.Event) {
				d.log.Warn("a rule has matched", "rule", e.Rule, "action", e.Action,
					"severity", e.Severity, "sandbox", e.Sandbox, "execution", e.Execution,
					"client", e.Client, "caller", e.Caller, "event", e.ID, "count", e.Count)
			}
			if lost := d.hooks.Tell(*e); lost > 0 {
				d.hub.Lose(lost)
			}
		}
	}
}

// hooksOf are the config's webhooks.
func hooksOf(cfg *config.Config) (out []webhook.Hook) {
	for _, h := range cfg.Webhooks {
		out = append(out, webhook.Hook{URL: h.URL, SecretFile: cfg.Path(h.Secret),
			Severity: h.Severity})
	}
	return out
}
