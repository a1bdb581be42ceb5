package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
)

func sandboxPath(id, rest string) string { return "/v1/sandboxes/" + url.PathEscape(id) + rest }

// CreateSandbox creates one that lives on between commands.
func (c *Client) CreateSandbox(ctx context.Context, req api.SandboxRequest) (*api.Sandbox, error) {
	out := new(api.Sandbox)
	return out, c.Do(ctx, "POST", "/v1/sandboxes", req, out)
}

// Sandboxes lists those that run.
func (c *Client) Sandboxes(ctx context.Context) ([]api.Sandbox, error) {
	var out api.Sandboxes
	err := c.Do(ctx, "GET", "/v1/sandboxes", nil, &out)
	return out.Sandboxes, err
}

// Destroy ends a sandbox, and returns when nothing is left of it.
func (c *Client) Destroy(ctx context.Context, id string) error {
	return c.Do(ctx, "DELETE", sandboxPath(id, ""), nil, nil)
}

// Sandbox returns one as it is.
func (c *Client) Sandbox(ctx context.Context, id string) (*api.Sandbox, error) {
	out := new(api.Sandbox)
	return out, c.Do(ctx, "GET", sandboxPath(id, ""), nil, out)
}

// Pause stops a sandbox's programs until Resume.
func (c *Client) Pause(ctx context.Context, id string) (*api.Sandbox, error) {
	out := new(api.Sandbox)
	return out, c.Do(ctx, "POST", sandboxPath(id, "/pause"), nil, out)
}

// Resume lets a paused sandbox's programs go on.
func (c *Client) Resume(ctx context.Context, id string) (*api.Sandbox, error) {
	out := new(api.Sandbox)
	return out, c.Do(ctx, "POST", sandboxPath(id, "/resume"), nil, out)
}

// Release ends a quarantine. The sandbox's network stays cut.
func (c *Client) Release(ctx context.Context, id string) (*api.Sandbox, error) {
	out := new(api.Sandbox)
	return out, c.Do(ctx, "POST", sandboxPath(id, "/release"), nil, out)
}

// SetLimits changes limits of a sandbox while it runs, and returns those in force.
func (c *Client) SetLimits(ctx context.Context, id string,
	l policies.Limits) (map[string]api.Limit, error) {
	out := new(api.Limits)
	err := c.Do(ctx, "PATCH", sandboxPath(id, ""), api.Change{Limits: l}, out)
	return out.Limits, err
}

// Clear destroys sandboxes that are older than age, or that nobody has used for idle. Zero: not
// asked for.
func (c *Client) Clear(ctx context.Context, age, idle time.Duration) ([]string, error) {
	query := url.Values{}
	if age > 0 {
		query.Set("age", strconv.Itoa(int(age.Seconds())))
	}
	if idle > 0 {
		query.Set("idle", strconv.Itoa(int(idle.Seconds())))
	}
	out := new(api.Cleared)
	err := c.Do(ctx, "DELETE", "/v1/sandboxes?"+query.Encode(), nil, out)
	return out.Destroyed, err
}

// Usage is what a sandbox's commands use now.
func (c *Client) Usage(ctx context.Context, id string) (*api.Usage, error) {
	out := new(api.Usage)
	return out, c.Do(ctx, "GET", sandboxPath(id, "/stats"), nil, out)
}

// Exec runs a command in a sandbox, and returns when it has ended.
func (c *Client) Exec(ctx context.Context, id string, req api.ExecRequest) (*api.Result, error) {
	req.Mode = api.Sync
	out := new(api.Result)
	return out, c.Do(ctx, "POST", sandboxPath(id, "/exec"), req, out)
}

// ExecStream runs a command in a sandbox, with its streams connected. What comes through input is
// sent to it: messages of stdin, eof and signal. A closed or nil input is the end of its stdin.
func (c *Client) ExecStream(
	ctx context.Context,
	id string,
	req api.ExecRequest,
	input <-chan api.Message,
	each func(api.Message) error,
) error {
	req.Mode = api.Stream
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, feed := io.Pipe()
	go func() {
		enc := json.NewEncoder(feed)
		if err := enc.Encode(req); err != nil || input == nil {
			feed.CloseWithError(err) // nil is io.EOF
			return
		}
		for {
			select {
			case <-ctx.Done():
				feed.Close()
				return
			case m, open := <-input:
				if !open || enc.Encode(m) != nil {
					feed.Close()
					return
				}
			}
		}
	}()
	res, err := c.send(ctx, "POST", sandboxPath(id, "/exec"), body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return messages(res.Body, each)
}

// ReadFile takes a file out of a sandbox.
func (c *Client) ReadFile(ctx context.Context, id, path string) ([]byte, error) {
	res, err := c.send(ctx, "GET", sandboxPath(id, "/files?path="+url.QueryEscape(path)), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// WriteFile puts a file into a sandbox, with the folders that it lies in.
func (c *Client) WriteFile(ctx context.Context, id, path string, data []byte) error {
	res, err := c.send(ctx, "PUT", sandboxPath(id, "/files?path="+url.QueryEscape(path)),
		bytes.NewReader(data))
	if err != nil {
		return err
	}
	return res.Body.Close()
}
