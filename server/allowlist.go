package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/learn"
	"github.com/mcpbox/mcpbox/mcp/store"
	"github.com/mcpbox/mcpbox/server/api"
)

// allowlist opens the config's. Each request opens it anew: other processes write it as well.
func (d *daemon) allowlist() (*store.Store, error) {
	cfg := d.cfg.Load()
	if cfg.Allowlist == "" {
		return nil, newProblem(http.StatusConflict, "write allowlist: allow.db into the config",
			"the daemon has no allowlist: the policies alone decide")
	}
	return store.Open(cfg.Path(cfg.Allowlist))
}

func withAllowlist[Out any](d *daemon, f func(*store.Store) (Out, error)) (out Out, err error) {
	s, err := d.allowlist()
	if err != nil {
		return out, err
	}
	defer s.Close()
	return f(s)
}

func allowRules(list []access.Rule, now time.Time) []api.AllowRule {
	out := []api.AllowRule{}
	for _, r := range list {
		out = append(out, api.AllowRule{ID: r.ID(), Applies: r.AppliesAt(now), Rule: r})
	}
	return out
}

// listAllowed: GET /v1/allowlist
func (d *daemon) listAllowed(r *http.Request) (*api.Allowlist, error) {
	return withAllowlist(d, func(s *store.Store) (*api.Allowlist, error) {
		list, head, err := s.Rules(r.Context())
		return &api.Allowlist{Rules: allowRules(list, time.Now()), Head: head.String()}, err
	})
}

// getAllowed: GET /v1/allowlist/{id}
func (d *daemon) getAllowed(r *http.Request) (*api.AllowRule, error) {
	all, err := d.listAllowed(r)
	if err != nil {
		return nil, err
	}
	for _, rule := range all.Rules {
		if rule.ID == r.PathValue("id") {
			return &rule, nil
		}
	}
	return nil, errNoRule()
}

func errNoRule() error {
	return newProblem(http.StatusNotFound, "GET /v1/allowlist lists them",
		"there is no rule with this id")
}

// changeAllowed makes one change of the allowlist, by an operator.
func (d *daemon) changeAllowed(r *http.Request, action string,
	edit func([]access.Rule) ([]access.Rule, error)) (*api.Changed, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	return withAllowlist(d, func(s *store.Store) (*api.Changed, error) {
		entry, err := s.Update(r.Context(), author(r), action, false, edit)
		return changed(entry), err
	})
}

func author(r *http.Request) store.Author { return store.Author{User: visibleName(r)} }

func changed(entry *store.Entry) *api.Changed {
	if entry == nil {
		return &api.Changed{Changes: []access.Change{}}
	}
	return &api.Changed{Seq: entry.Seq, Changes: entry.Changes}
}

func without(list []access.Rule, id string) []access.Rule {
	return slices.DeleteFunc(list, func(r access.Rule) bool { return r.ID() == id })
}

// addAllowed: POST /v1/allowlist
func (d *daemon) addAllowed(r *http.Request, in access.Rule) (*api.Changed, error) {
	rule, err := in.Canonical()
	if err != nil {
		return nil, bad(err)
	}
	return d.changeAllowed(r, "add", func(now []access.Rule) ([]access.Rule, error) {
		for _, other := range now {
			if other.ID() == rule.ID() {
				return nil, newProblem(http.StatusConflict, "PUT /v1/allowlist/"+rule.ID()+
					" replaces it", "there is a rule for this layer, server and match")
			}
		}
		return append(now, rule), nil
	})
}

// putAllowed: PUT /v1/allowlist/{id}
func (d *daemon) putAllowed(r *http.Request, in access.Rule) (*api.Changed, error) {
	rule, err := in.Canonical()
	if err != nil {
		return nil, bad(err)
	}
	if rule.ID() != r.PathValue("id") {
		return nil, newProblem(http.StatusUnprocessableEntity, "add another rule",
			"another layer, server or match is another rule, with the id "+rule.ID())
	}
	return d.changeAllowed(r, "replace", func(now []access.Rule) ([]access.Rule, error) {
		rest := without(slices.Clone(now), rule.ID())
		if len(rest) == len(now) {
			return nil, errNoRule()
		}
		return append(rest, rule), nil
	})
}

// patchAllowed: PATCH /v1/allowlist/{id}
func (d *daemon) patchAllowed(r *http.Request, in api.RuleChange) (*api.Changed, error) {
	id := r.PathValue("id")
	return d.changeAllowed(r, "change", func(now []access.Rule) ([]access.Rule, error) {
		for i := range now {
			if now[i].ID() != id {
				continue
			}
			if in.Note != nil {
				now[i].Note = *in.Note
			}
			err := errors.Join(setTime(&now[i].Expires, in.Expires, "expires"),
				setTime(&now[i].DisabledUntil, in.DisabledUntil, "disabled_until"))
			return now, err
		}
		return nil, errNoRule()
	})
}

func setTime(at **time.Time, text *string, name string) error {
	switch {
	case text == nil:
		return nil
	case *text == "":
		*at = nil
		return nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return newProblem(http.StatusUnprocessableEntity, "write 2026-01-31T12:00:00Z",
			name+" is no time")
	}
	*at = &t
	return nil
}

// removeAllowed: DELETE /v1/allowlist/{id}
func (d *daemon) removeAllowed(r *http.Request) (*api.Changed, error) {
	return d.changeAllowed(r, "remove", func(now []access.Rule) ([]access.Rule, error) {
		rest := without(slices.Clone(now), r.PathValue("id"))
		if len(rest) == len(now) {
			return nil, errNoRule()
		}
		return rest, nil
	})
}

// allowHistory: GET /v1/allowlist/history
func (d *daemon) allowHistory(r *http.Request) (*api.AllowHistory, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	return withAllowlist(d, func(s *store.Store) (*api.AllowHistory, error) {
		entries, problems, err := s.History(r.Context())
		out := &api.AllowHistory{Entries: []api.AllowEntry{},
			Problems: append([]string{}, problems...)}
		for _, e := range entries {
			out.Entries = append(out.Entries, api.AllowEntry{Seq: e.Seq, Time: e.Time,
				Operator: e.Operator, As: e.As, Action: e.Action, Changes: e.Changes, Hash: e.Hash})
		}
		return out, err
	})
}

// rollbackAllowed: POST /v1/allowlist/rollback
func (d *daemon) rollbackAllowed(r *http.Request, in api.RollbackRequest) (*api.Changed, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	return withAllowlist(d, func(s *store.Store) (*api.Changed, error) {
		entry, err := s.Rollback(r.Context(), author(r), in.Seq, false)
		return changed(entry), err
	})
}

// current are the rules of the allowlist.
func (d *daemon) current(r *http.Request) ([]access.Rule, error) {
	return withAllowlist(d, func(s *store.Store) ([]access.Rule, error) {
		list, _, err := s.Rules(r.Context())
		return list, err
	})
}

// evaluateAllowed: POST /v1/allowlist/evaluate
func (d *daemon) evaluateAllowed(r *http.Request,
	in api.EvaluateRequest) (*learn.Evaluation, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	list, err := in.Rules, error(nil)
	if list == nil {
		list, err = d.current(r)
	}
	if err != nil {
		return nil, err
	}
	set, err := access.NewSet(list)
	if err != nil {
		return nil, bad(err)
	}
	out, err := learn.Evaluate(set, jsonLines(in.Records))
	if err != nil {
		return nil, bad(err)
	}
	return out, nil
}

func jsonLines(records []json.RawMessage) *bytes.Buffer {
	var b bytes.Buffer
	for _, r := range records {
		if json.Compact(&b, r) == nil {
			b.WriteByte('\n')
		}
	}
	return &b
}

// maxRecords bounds what one request looks at.
const maxRecords = 100_000

// recordedCalls are those of a request, or the daemon's own.
func (d *daemon) recordedCalls(given []json.RawMessage) ([]audit.Record, error) {
	lines := jsonLines(given)
	if given == nil {
		err := d.db.Calls("", maxRecords, func(body []byte) error {
			lines.Write(body)
			return lines.WriteByte('\n')
		})
		if err != nil {
			return nil, err
		}
	}
	records, wrong, err := learn.ReadRecords(lines)
	if err == nil && len(wrong) > 0 {
		err = newProblem(http.StatusUnprocessableEntity,
			"give records as mcpbox mcp --audit writes", "a record can't be read: "+wrong[0].Why)
	}
	return records, err
}

// trial: POST /v1/allowlist/trial asks what a rule set would have done to recorded calls.
func (d *daemon) trial(r *http.Request, in api.TrialRequest) (*api.Trial, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	if (in.Rules == nil) == (in.Proposal == "") {
		return nil, newProblem(http.StatusUnprocessableEntity, "give rules, or a proposal's id",
			"there is nothing to try, or too much")
	}
	now, err := d.current(r)
	if err != nil {
		return nil, err
	}
	then := in.Rules
	if in.Proposal != "" {
		p, err := d.proposal(in.Proposal, "")
		if err != nil {
			return nil, err
		}
		then = applied(p, slices.Clone(now))
	}
	records, err := d.recordedCalls(in.Records)
	if err != nil {
		return nil, err
	}
	return compare(now, then, records)
}

func compare(now, then []access.Rule, records []audit.Record) (*api.Trial, error) {
	before, err := access.NewSet(now)
	if err != nil {
		return nil, err
	}
	after, err := access.NewSet(then)
	if err != nil {
		return nil, bad(err)
	}
	before, after = before.WithoutProgramRules(), after.WithoutProgramRules()
	out := &api.Trial{Different: []api.Difference{}}
	for _, rec := range records {
		was, err := learn.Judge(before, rec)
		if err != nil {
			continue // of a method that no rule is about
		}
		is, err := learn.Judge(after, rec)
		if err != nil {
			continue
		}
		out.Records++
		switch {
		case was.Allowed && is.Allowed:
			out.Allowed++
			continue
		case !was.Allowed && !is.Allowed:
			out.Refused++
			continue
		case is.Allowed:
			out.NowAllowed++
		default:
			out.NowRefused++
		}
		const shown = 100
		if len(out.Different) < shown {
			out.Different = append(out.Different, api.Difference{Time: rec.Time, Server: rec.Server,
				Method: rec.Method, Tool: rec.Tool, Allowed: is.Allowed, Layer: string(is.Layer),
				Reason: is.Reason})
		}
	}
	return out, nil
}

// learnAllowed: POST /v1/allowlist/learn makes a proposal of what recorded calls show.
func (d *daemon) learnAllowed(r *http.Request, in api.LearnRequest) (*api.Learnt, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	records, err := d.recordedCalls(in.Records)
	if err != nil {
		return nil, err
	}
	now, err := d.current(r)
	if err != nil {
		return nil, err
	}
	report, err := learn.Propose(records, now, learn.Options{MinCalls: in.MinCalls,
		MinSamples: in.MinSamples, Replace: in.Replace})
	if err != nil {
		return nil, bad(err)
	}
	out := &api.Learnt{Records: report.Records, Skipped: []string{}}
	for _, s := range report.Skipped {
		out.Skipped = append(out.Skipped, s.What+": "+s.Why)
	}
	if len(report.Proposals) == 0 {
		return out, nil
	}
	p := &api.Proposal{Why: "learnt from recorded calls"}
	for _, one := range report.Proposals {
		p.Add = append(p.Add, one.Rule)
		p.Reasons = append(p.Reasons, one.Rule.String()+": "+strings.Join(one.Why, "; "))
	}
	out.Proposal, err = d.propose(r, p)
	return out, err
}
