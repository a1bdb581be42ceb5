package client

import (
	"context"
	"encoding/json"
	"io"
	"net/url"

	"github.com/mcpbox/mcpbox/server/api"
)

// Stats are the daemon's.
func (c *Client) Stats(ctx context.Context) (*api.Stats, error) {
	out := new(api.Stats)
	return out, c.Do(ctx, "GET", "/v1/stats", nil, out)
}

// Version is the daemon's.
func (c *Client) Version(ctx context.Context) (*api.Version, error) {
	out := new(api.Version)
	return out, c.Do(ctx, "GET", "/v1/version", nil, out)
}

// Policies lists the policies that have names.
func (c *Client) Policies(ctx context.Context) ([]string, error) {
	var out api.Policies
	err := c.Do(ctx, "GET", "/v1/policies", nil, &out)
	return out.Policies, err
}

// Healthy fails if the daemon does not answer.
func (c *Client) Healthy(ctx context.Context) error {
	return c.Do(ctx, "GET", "/healthz", nil, nil)
}

// Ready fails if the daemon takes no work.
func (c *Client) Ready(ctx context.Context) error { return c.Do(ctx, "GET", "/readyz", nil, nil) }

// Metrics returns the daemon's counts in the text format of Prometheus.
func (c *Client) Metrics(ctx context.Context) (string, error) {
	res, err := c.send(ctx, "GET", "/metrics", nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return string(data), err
}

// OpenAPI returns the document that describes the API.
func (c *Client) OpenAPI(ctx context.Context) (json.RawMessage, error) {
	var out json.RawMessage
	return out, c.Do(ctx, "GET", "/v1/openapi.json", nil, &out)
}

// Sessions lists the open sessions of code, of one caller or ("") all.
func (c *Client) Sessions(ctx context.Context, caller string) ([]api.Session, error) {
	var out api.Sessions
	err := c.Do(ctx, "GET", "/v1/sessions?"+url.Values{"caller": {caller}}.Encode(), nil, &out)
	return out.Sessions, err
}

// EndSession ends a caller's session, with all that runs in it.
func (c *Client) EndSession(ctx context.Context, caller, name string) error {
	return c.Do(ctx, "DELETE", "/v1/sessions/"+url.PathEscape(name)+"?"+
		url.Values{"caller": {caller}}.Encode(), nil, nil)
}

type onceKey struct{}

// WithKey has requests of this context carry an Idempotency-Key: one that creates something does it
// once, however often it is sent.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, onceKey{}, key)
}
