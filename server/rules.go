package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/config"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// withAdded is a config with the rules that operators have added.
func (d *daemon) withAdded(cfg *config.Config) (*config.Config, error) {
	added, err := d.addedRules()
	if err != nil {
		return nil, err
	}
	return cfg.With(added)
}

func (d *daemon) addedRules() (out []policies.Rule, err error) {
	bodies, err := d.db.Rules()
	if err != nil {
		return nil, err
	}
	for _, body := range bodies {
		var r policies.Rule
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// listRules: GET /v1/rules
func (d *daemon) listRules(*http.Request) (*api.Rules, error) {
	out := &api.Rules{Rules: []api.Rule{}}
	added, err := d.addedRules()
	if err != nil {
		return nil, err
	}
	cfg := d.cfg.Load()
	for _, r := range cfg.Rules {
		out.Rules = append(out.Rules, api.Rule{Rule: r, Source: "config"})
	}
	for _, r := range added {
		out.Rules = append(out.Rules, api.Rule{Rule: r, Source: "added"})
	}
	for _, name := range cfg.Names() {
		for _, r := range cfg.Own(name) {
			out.Rules = append(out.Rules, api.Rule{Rule: r, Source: "policy " + name})
		}
	}
	return out, nil
}

// addRule: POST /v1/rules
func (d *daemon) addRule(r *http.Request, in policies.Rule) (*api.Rule, error) {
	return d.changeRule(r, in.ID, &in, func(known bool) error {
		if known {
			return newProblem(http.StatusConflict, "PUT /v1/rules/"+in.ID+" replaces it",
				"there is a rule with this id")
		}
		return nil
	})
}

// putRule: PUT /v1/rules/{id}
func (d *daemon) putRule(r *http.Request, in policies.Rule) (*api.Rule, error) {
	id := r.PathValue("id")
	if in.ID == "" {
		in.ID = id
	}
	if in.ID != id {
		return nil, newProblem(http.StatusUnprocessableEntity, "leave the id out",
			"the id in the body is another than in the address")
	}
	return d.changeRule(r, id, &in, needsRule)
}

// removeRule: DELETE /v1/rules/{id}
func (d *daemon) removeRule(r *http.Request) (*api.Rule, error) {
	return d.changeRule(r, r.PathValue("id"), nil, needsRule)
}

func needsRule(known bool) error {
	if !known {
		return newProblem(http.StatusNotFound,
			"GET /v1/rules lists them; those of the config and of policies are changed there",
			"no rule with this id was added")
	}
	return nil
}

// changeRule puts a rule in force for what starts from now on, or removes it (nil).
func (d *daemon) changeRule(r *http.Request, id string, to *policies.Rule,
	may func(known bool) error) (*api.Rule, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	d.deciding.Lock()
	defer d.deciding.Unlock()
	now, err := d.addedRules()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(now, func(r policies.Rule) bool { return r.ID == id })
	if err := may(at >= 0); err != nil {
		return nil, err
	}
	out := &api.Rule{Source: "added"}
	if at >= 0 {
		out.Rule = now[at]
		now = slices.Delete(now, at, at+1)
	}
	if to != nil {
		if err := checkRule(*to); err != nil {
			return nil, err
		}
		out.Rule = *to
		now = append(now, *to)
	}
	next, err := d.cfg.Load().With(now)
	if err != nil {
		return nil, bad(err)
	}
	if to == nil {
		err = d.db.RemoveRule(id)
	} else {
		var body []byte
		if body, err = json.Marshal(to); err == nil {
			err = d.db.SaveRule(id, body)
		}
	}
	if err != nil {
		return nil, err
	}
	d.cfg.Store(next)
	return out, nil
}

// checkRule is as strict as a policy file.
func checkRule(r policies.Rule) error {
	p, err := policies.Preset("standard")
	if err != nil {
		return err
	}
	probe := *p
	probe.Rules = []policies.Rule{r}
	if err := probe.Validate(); err != nil {
		return bad(err)
	}
	if err := monitor.CheckRules(probe.Rules); err != nil {
		return bad(err)
	}
	return nil
}

// writeEvent writes an event as a line of a log, with whose it is.
func writeEvent(to *bytes.Buffer, row state.Event) {
	client, _ := json.Marshal(row.Client) // a string
	caller, _ := json.Marshal(row.Caller)
	body := bytes.TrimSuffix(row.Body, []byte("}"))
	fmt.Fprintf(to, "%s,\"client\":%s,\"caller\":%s}\n", body, client, caller)
}

// testRules: POST /v1/rules/test asks rules about recorded events, before they are in force.
func (d *daemon) testRules(r *http.Request, in api.RulesTest) (*monitor.Replayed, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	rules := in.Rules
	if rules == nil {
		added, err := d.addedRules()
		if err != nil {
			return nil, err
		}
		rules = slices.Concat(d.cfg.Load().Rules, added)
	}
	for _, rule := range rules {
		if err := checkRule(rule); err != nil {
			return nil, err
		}
	}
	lines := jsonLines(in.Events)
	if in.Events == nil {
		for f := (state.Filter{Limit: 1000}); f.After >= 0 && lines.Len() < maxBody; {
			rows, err := d.db.Events(f)
			if err != nil {
				return nil, err
			}
			f.After = -1
			for _, row := range rows {
				writeEvent(lines, row)
				f.After = row.Seq
			}
		}
	}
	out, err := monitor.Replay(rules, lines)
	if err != nil {
		return nil, bad(err)
	}
	return out, nil
}
