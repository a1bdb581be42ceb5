package client

import (
	"context"
	"net/url"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/report"
	"github.com/mcpbox/mcpbox/server/api"
)

func rulePath(id string) string { return "/v1/rules/" + url.PathEscape(id) }

// Rules returns the rules of detection: the config's, those that were added, and the policies' own.
func (c *Client) Rules(ctx context.Context) ([]api.Rule, error) {
	var out api.Rules
	err := c.Do(ctx, "GET", "/v1/rules", nil, &out)
	return out.Rules, err
}

// AddRule puts a rule in force for every policy, for what starts from now on. It is for operators,
// like every change of rules.
func (c *Client) AddRule(ctx context.Context, r policies.Rule) (*api.Rule, error) {
	out := new(api.Rule)
	return out, c.Do(ctx, "POST", "/v1/rules", r, out)
}

// ReplaceRule replaces one that was added.
func (c *Client) ReplaceRule(ctx context.Context, r policies.Rule) (*api.Rule, error) {
	out := new(api.Rule)
	return out, c.Do(ctx, "PUT", rulePath(r.ID), r, out)
}

// RemoveRule removes one that was added.
func (c *Client) RemoveRule(ctx context.Context, id string) (*api.Rule, error) {
	out := new(api.Rule)
	return out, c.Do(ctx, "DELETE", rulePath(id), nil, out)
}

// TestRules says what rules would have done to recorded events.
func (c *Client) TestRules(ctx context.Context, req api.RulesTest) (*monitor.Replayed, error) {
	out := new(monitor.Replayed)
	return out, c.Do(ctx, "POST", "/v1/rules/test", req, out)
}

// Report judges an execution that has ended.
func (c *Client) Report(ctx context.Context, id string) (*report.Report, error) {
	out := new(report.Report)
	return out, c.Do(ctx, "GET", "/v1/executions/"+url.PathEscape(id)+"/report", nil, out)
}

// Reports sums up what has run since a time, of one caller or ("") all.
func (c *Client) Reports(ctx context.Context, since time.Time, caller string) (*api.Reports,
	error) {
	query := url.Values{"since": {since.Format(time.RFC3339)}, "caller": {caller}}
	out := new(api.Reports)
	return out, c.Do(ctx, "GET", "/v1/reports?"+query.Encode(), nil, out)
}
