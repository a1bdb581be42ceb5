package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/config"
)

// Client is safe for concurrent use.
type Client struct {
	base  string
	where string
	token string
	http  *http.Client
}

// Option changes a client.
type Option func(*Client)

// WithToken sends a bearer token: over TCP, the daemon wants one.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// Dial makes a client for a daemon's socket, or its address (http://…, https://…). Without either
// it is the socket in MCPBOX_SOCKET, or the default one. It connects with the first call.
func Dial(where string, options ...Option) (*Client, error) {
	if where == "" {
		where = os.Getenv("MCPBOX_SOCKET")
	}
	if where == "" {
		var err error
		if where, err = config.DefaultSocket(); err != nil {
			return nil, err
		}
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	c := &Client{where: where, http: &http.Client{Transport: transport}}
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		c.base = strings.TrimSuffix(where, "/")
	} else {
		path, err := filepath.Abs(strings.TrimPrefix(where, "unix:"))
		if err != nil {
			return nil, err
		}
		c.base = "http://mcpbox"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// Do makes one request, with in as its JSON body, and decodes the answer into out. Nil: none.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	res, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// send makes a request. An answer that is no success is an error.
func (c *Client) send(
	ctx context.Context,
	method, path string,
	body io.Reader,
) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if key, ok := ctx.Value(onceKey{}).(string); ok {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
		return nil, hint.Errorf("start it: mcpbox serve; --socket names another one",
			"no mcpbox serve listens at %s", c.where)
	}
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	p := &api.Problem{Status: res.StatusCode, Title: res.Status}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(p); err != nil {
		p.Detail = "the answer is " + res.Status
	}
	return nil, hint.Wrap(p, p.Remedy)
}

// Run runs a command or code, and returns when it has ended.
func (c *Client) Run(ctx context.Context, req api.ExecutionRequest) (*api.Execution, error) {
	req.Mode = api.Sync
	out := new(api.Execution)
	return out, c.Do(ctx, "POST", "/v1/executions", req, out)
}

// Start starts a command or code. Wait returns its result.
func (c *Client) Start(ctx context.Context, req api.ExecutionRequest) (*api.Execution, error) {
	req.Mode = api.Async
	out := new(api.Execution)
	return out, c.Do(ctx, "POST", "/v1/executions", req, out)
}

// Stream runs a command or code, and calls each for every message, until it has ended or each
// fails.
func (c *Client) Stream(
	ctx context.Context,
	req api.ExecutionRequest,
	each func(api.Message) error,
) error {
	req.Mode = api.Stream
	data, err := json.Marshal(req)
	if err != nil {
		return err
	}
	res, err := c.send(ctx, "POST", "/v1/executions", bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return messages(res.Body, each)
}

// messages reads a stream. Its last message is a result or a problem; without one it was cut off.
func messages(r io.Reader, each func(api.Message) error) error {
	for dec := json.NewDecoder(r); ; {
		var m api.Message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return fmt.Errorf("the stream ended without a result: %w", io.ErrUnexpectedEOF)
		} else if err != nil {
			return err
		}
		if err := each(m); err != nil {
			return err
		}
		switch m.Kind {
		case api.KindResult:
			return nil
		case api.KindError:
			return hint.Wrap(m.Problem, m.Problem.Remedy)
		}
	}
}

// Wait returns an execution when it has ended.
func (c *Client) Wait(ctx context.Context, id string) (*api.Execution, error) {
	for {
		out := new(api.Execution)
		if err := c.Do(ctx, "GET", "/v1/executions/"+url.PathEscape(id)+"?wait=60", nil,
			out); err != nil ||
			out.State != api.Running {
			return out, err
		}
	}
}

// Execution returns an execution as it is.
func (c *Client) Execution(ctx context.Context, id string) (*api.Execution, error) {
	out := new(api.Execution)
	return out, c.Do(ctx, "GET", "/v1/executions/"+url.PathEscape(id), nil, out)
}

// Executions lists them; query as in docs/API.md, such as "state=running".
func (c *Client) Executions(ctx context.Context, query string) (*api.Executions, error) {
	out := new(api.Executions)
	return out, c.Do(ctx, "GET", "/v1/executions?"+query, nil, out)
}

// Cancel ends an execution, and returns when nothing is left of it.
func (c *Client) Cancel(ctx context.Context, id string) (*api.Execution, error) {
	out := new(api.Execution)
	return out, c.Do(ctx, "DELETE", "/v1/executions/"+url.PathEscape(id), nil, out)
}

// Logs calls each for what is kept of an execution's output and, with follow, for what it writes
// until it has ended.
func (c *Client) Logs(ctx context.Context, id string, follow bool,
	each func(api.Message) error) error {
	query := ""
	if follow {
		query = "?follow=1"
	}
	res, err := c.send(ctx, "GET", "/v1/executions/"+url.PathEscape(id)+"/logs"+query, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	err = messages(res.Body, each)
	if errors.Is(err, io.ErrUnexpectedEOF) && !follow {
		return nil // it still runs
	}
	return err
}

// Export calls each for all that the daemon keeps of one of the client's callers: a JSON object
// with its kind, and the execution, event or sandbox itself.
func (c *Client) Export(ctx context.Context, caller string,
	each func(json.RawMessage) error) error {
	res, err := c.send(ctx, "GET", "/v1/callers/"+url.PathEscape(caller), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for dec := json.NewDecoder(res.Body); ; {
		var line json.RawMessage
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := each(line); err != nil {
			return err
		}
	}
}

// Erase removes it. What still runs stays.
func (c *Client) Erase(ctx context.Context, caller string) (*api.Erased, error) {
	out := new(api.Erased)
	return out, c.Do(ctx, "DELETE", "/v1/callers/"+url.PathEscape(caller), nil, out)
}

// MCP is where an MCP server of the daemon's config speaks streamable HTTP, and the client that
// reaches it, for the transport of an MCP library. Without a name, it is the daemon's own, with
// run_code.
func (c *Client) MCP(server string) (endpoint string, via *http.Client) {
	endpoint = c.base + "/v1/mcp"
	if server != "" {
		endpoint = c.base + "/v1/servers/" + url.PathEscape(server) + "/mcp"
	}
	return endpoint, &http.Client{Transport: bearer{c.http.Transport, c.token}}
}

type bearer struct {
	next  http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}

// Servers lists the MCP servers of the daemon's config.
func (c *Client) Servers(ctx context.Context) ([]api.Server, error) {
	var out api.Servers
	err := c.Do(ctx, "GET", "/v1/servers", nil, &out)
	return out.Servers, err
}
