package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/server/api"
)

// Sessions belong to a client's caller: see (*run).caller.

// listSessions: GET /v1/sessions
func (d *daemon) listSessions(r *http.Request) (*api.Sessions, error) {
	out := &api.Sessions{Sessions: []api.Session{}}
	client, wanted := visible(r), r.URL.Query().Get("caller")
	for _, s := range d.pool.Sessions() {
		of, caller, _ := strings.Cut(s.Caller, "/")
		if (client == "" || of == client) && (wanted == "" || caller == wanted) {
			out.Sessions = append(out.Sessions, api.Session{Name: s.Name, Client: of,
				Caller: caller, Opened: s.Opened.UTC(), Used: s.Used.UTC()})
		}
	}
	slices.SortFunc(out.Sessions, func(a, b api.Session) int { return a.Opened.Compare(b.Opened) })
	return out, nil
}

// endSessions ends all of a caller.
func (d *daemon) endSessions(caller string) {
	for _, s := range d.pool.Sessions() {
		if s.Caller == caller {
			d.pool.CloseSession(caller, s.Name)
		}
	}
}

// maySession bounds the sessions of the daemon, and of a restricted client: each is a process that
// stays.
func (r *run) maySession() error {
	most := r.d.cfg.Load().Sandboxes
	own, all := 0, 0
	for _, s := range r.d.pool.Sessions() {
		if s.Caller == r.caller() && s.Name == r.req.Session {
			return nil
		}
		all++
		if clientOf(s.Caller) == r.x.Client {
			own++
		}
	}
	if all < most.Most && (!r.restricted || own < most.PerClient) {
		return nil
	}
	p := newProblem(http.StatusTooManyRequests,
		"end one that is not used: DELETE /v1/sessions/NAME",
		"there are as many sessions as there may be")
	p.RetryAfter = 10
	return p
}

// endSession: DELETE /v1/sessions/{name} ends the caller's session. Operators may name another
// client.
func (d *daemon) endSession(r *http.Request) (*api.Session, error) {
	q := r.URL.Query()
	client := visibleName(r)
	if other := q.Get("client"); other != "" && other != client {
		if err := operator(r); err != nil {
			return nil, err
		}
		client = other
	}
	out := &api.Session{Name: r.PathValue("name"), Client: client, Caller: q.Get("caller")}
	if !d.pool.CloseSession(client+"/"+out.Caller, out.Name) {
		return nil, newProblem(http.StatusNotFound, "GET /v1/sessions lists them",
			"there is no such session")
	}
	return out, nil
}
