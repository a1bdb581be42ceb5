package client

import (
	"context"
	"net/url"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/learn"
	"github.com/mcpbox/mcpbox/server/api"
)

const allowlist = "/v1/allowlist"

func allowPath(id string) string { return allowlist + "/" + url.PathEscape(id) }

func proposalPath(id, rest string) string {
	return allowlist + "/proposals/" + url.PathEscape(id) + rest
}

// Allowlist returns the rules of the daemon's allowlist.
func (c *Client) Allowlist(ctx context.Context) (*api.Allowlist, error) {
	out := new(api.Allowlist)
	return out, c.Do(ctx, "GET", allowlist, nil, out)
}

// AllowRule returns one of them.
func (c *Client) AllowRule(ctx context.Context, id string) (*api.AllowRule, error) {
	out := new(api.AllowRule)
	return out, c.Do(ctx, "GET", allowPath(id), nil, out)
}

// AddAllowRule adds one. It is for operators, like every change of the allowlist.
func (c *Client) AddAllowRule(ctx context.Context, r access.Rule) (*api.Changed, error) {
	out := new(api.Changed)
	return out, c.Do(ctx, "POST", allowlist, r, out)
}

// ReplaceAllowRule replaces the rule of this id. Layer, server and match stay.
func (c *Client) ReplaceAllowRule(ctx context.Context, id string,
	r access.Rule) (*api.Changed, error) {
	out := new(api.Changed)
	return out, c.Do(ctx, "PUT", allowPath(id), r, out)
}

// ChangeAllowRule changes when a rule applies, or its note.
func (c *Client) ChangeAllowRule(ctx context.Context, id string,
	change api.RuleChange) (*api.Changed, error) {
	out := new(api.Changed)
	return out, c.Do(ctx, "PATCH", allowPath(id), change, out)
}

// RemoveAllowRule removes one.
func (c *Client) RemoveAllowRule(ctx context.Context, id string) (*api.Changed, error) {
	out := new(api.Changed)
	return out, c.Do(ctx, "DELETE", allowPath(id), nil, out)
}

// AllowHistory returns every change of the allowlist, oldest first.
func (c *Client) AllowHistory(ctx context.Context) (*api.AllowHistory, error) {
	out := new(api.AllowHistory)
	return out, c.Do(ctx, "GET", allowlist+"/history", nil, out)
}

// Rollback makes the allowlist what it was after this entry of its history. 0 is before the first.
func (c *Client) Rollback(ctx context.Context, seq int64) (*api.Changed, error) {
	out := new(api.Changed)
	return out, c.Do(ctx, "POST", allowlist+"/rollback", api.RollbackRequest{Seq: seq}, out)
}

// Learn proposes the rules that recorded calls show to be needed.
func (c *Client) Learn(ctx context.Context, req api.LearnRequest) (*api.Learnt, error) {
	out := new(api.Learnt)
	return out, c.Do(ctx, "POST", allowlist+"/learn", req, out)
}

// Evaluate measures rules on records with labels.
func (c *Client) Evaluate(ctx context.Context,
	req api.EvaluateRequest) (*learn.Evaluation, error) {
	out := new(learn.Evaluation)
	return out, c.Do(ctx, "POST", allowlist+"/evaluate", req, out)
}

// Trial says what rules, or a proposal, would have done to recorded calls.
func (c *Client) Trial(ctx context.Context, req api.TrialRequest) (*api.Trial, error) {
	out := new(api.Trial)
	return out, c.Do(ctx, "POST", allowlist+"/trial", req, out)
}

// Propose proposes a change of the allowlist. Every client may.
func (c *Client) Propose(ctx context.Context, req api.ProposalRequest) (*api.Proposal, error) {
	out := new(api.Proposal)
	return out, c.Do(ctx, "POST", allowlist+"/proposals", req, out)
}

// Proposals lists those of a state: pending, approved, rejected, or "" for all.
func (c *Client) Proposals(ctx context.Context, state string) ([]api.Proposal, error) {
	var out api.Proposals
	query := url.Values{"state": {state}}
	err := c.Do(ctx, "GET", allowlist+"/proposals?"+query.Encode(), nil, &out)
	return out.Proposals, err
}

// Proposal returns one.
func (c *Client) Proposal(ctx context.Context, id string) (*api.Proposal, error) {
	out := new(api.Proposal)
	return out, c.Do(ctx, "GET", proposalPath(id, ""), nil, out)
}

// Approve puts a proposal in force. It is for operators.
func (c *Client) Approve(ctx context.Context, id string) (*api.Proposal, error) {
	out := new(api.Proposal)
	return out, c.Do(ctx, "POST", proposalPath(id, "/approve"), nil, out)
}

// Reject refuses a proposal. It is for operators.
func (c *Client) Reject(ctx context.Context, id string) (*api.Proposal, error) {
	out := new(api.Proposal)
	return out, c.Do(ctx, "POST", proposalPath(id, "/reject"), nil, out)
}
