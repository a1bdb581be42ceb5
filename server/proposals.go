package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// States of a proposal.
const (
	pending  = "pending"
	approved = "approved"
	rejected = "rejected"
)

// addProposal: POST /v1/allowlist/proposals. Every client may propose; operators decide.
func (d *daemon) addProposal(r *http.Request, in api.ProposalRequest) (*api.Proposal, error) {
	if len(in.Add) == 0 && len(in.Remove) == 0 || len(in.Why) > 1024 ||
		len(in.Add)+len(in.Remove) > 1000 {
		return nil, newProblem(http.StatusUnprocessableEntity, `{"add": [{"layer": "tool", …}]}`,
			"a proposal adds or removes up to 1000 rules, and its reason has up to 1024 bytes")
	}
	add, err := access.CanonicalRules(in.Add)
	if err != nil {
		return nil, bad(err)
	}
	return d.propose(r, &api.Proposal{Add: add, Remove: in.Remove, Why: in.Why})
}

// propose writes a proposal down.
func (d *daemon) propose(r *http.Request, p *api.Proposal) (*api.Proposal, error) {
	if _, err := d.current(r); err != nil { // there must be something to change
		return nil, err
	}
	p.ID, p.State, p.Client, p.Created = newID("p-"), pending, visibleName(r), time.Now().UTC()
	p.Add, p.Remove = append([]access.Rule{}, p.Add...), append([]string{}, p.Remove...)
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	const most = 64
	err = d.db.SaveProposal(state.Proposal{ID: p.ID, State: p.State, Client: p.Client,
		Body: body}, most)
	if errors.Is(err, state.ErrMany) {
		return nil, newProblem(http.StatusConflict, "wait until an operator has decided",
			"as many of the client's proposals wait as may")
	}
	return p, err
}

// listProposals: GET /v1/allowlist/proposals?state=pending
func (d *daemon) listProposals(r *http.Request) (*api.Proposals, error) {
	rows, err := d.db.Proposals("", r.URL.Query().Get("state"), visible(r))
	if err != nil {
		return nil, err
	}
	out := &api.Proposals{Proposals: []api.Proposal{}}
	for _, row := range rows {
		var p api.Proposal
		if err := json.Unmarshal(row.Body, &p); err != nil {
			return nil, err
		}
		out.Proposals = append(out.Proposals, p)
	}
	return out, nil
}

func (d *daemon) proposal(id, client string) (*api.Proposal, error) {
	rows, err := d.db.Proposals(id, "", client)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || id == "" {
		return nil, newProblem(http.StatusNotFound, "GET /v1/allowlist/proposals lists them",
			"there is no such proposal")
	}
	p := new(api.Proposal)
	return p, json.Unmarshal(rows[0].Body, p)
}

// getProposal: GET /v1/allowlist/proposals/{id}
func (d *daemon) getProposal(r *http.Request) (*api.Proposal, error) {
	return d.proposal(r.PathValue("id"), visible(r))
}

// applied is a list of rules with a proposal in it.
func applied(p *api.Proposal, list []access.Rule) []access.Rule {
	for _, id := range p.Remove {
		list = without(list, id)
	}
	for _, rule := range p.Add {
		list = append(without(list, rule.ID()), rule)
	}
	return list
}

// approve: POST /v1/allowlist/proposals/{id}/approve puts it in force.
func (d *daemon) approve(r *http.Request) (*api.Proposal, error) {
	return d.decide(r, approved, func(p *api.Proposal) error {
		change, err := d.changeAllowed(r, "proposal "+p.ID+" of "+p.Client,
			func(now []access.Rule) ([]access.Rule, error) {
				return applied(p, slices.Clone(now)), nil
			})
		if err == nil {
			p.Seq, p.Changes = change.Seq, change.Changes
		}
		return err
	})
}

// reject: POST /v1/allowlist/proposals/{id}/reject
func (d *daemon) reject(r *http.Request) (*api.Proposal, error) {
	return d.decide(r, rejected, func(*api.Proposal) error { return nil })
}

// decide lets one operator decide at a time: what is approved is in force once.
func (d *daemon) decide(r *http.Request, to string,
	do func(*api.Proposal) error) (*api.Proposal, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	d.deciding.Lock()
	defer d.deciding.Unlock()
	p, err := d.proposal(r.PathValue("id"), "")
	if err != nil {
		return nil, err
	}
	if p.State != pending {
		return nil, newProblem(http.StatusConflict, "propose it again",
			"the proposal is "+p.State+" already")
	}
	if err := do(p); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	p.State, p.Decided, p.By = to, &now, visibleName(r)
	body, err := json.Marshal(p)
	if err == nil {
		err = d.db.Decide(state.Proposal{ID: p.ID, State: to, Body: body})
	}
	if errors.Is(err, state.ErrDecided) {
		err = newProblem(http.StatusConflict, "look at it again", err.Error())
	}
	return p, err
}
