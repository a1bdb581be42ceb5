package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/code/mcpserver"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/mcp/proxy"
	"github.com/mcpbox/mcpbox/mcp/store"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/bridge"
	"github.com/mcpbox/mcpbox/server/internal/config"
	"github.com/mcpbox/mcpbox/server/internal/door"
	"github.com/mcpbox/mcpbox/server/internal/hub"
)

// listServers: GET /v1/servers
func (d *daemon) listServers(*http.Request) (*api.Servers, error) {
	out := &api.Servers{Servers: []api.Server{}}
	cfg := d.cfg.Load()
	for _, name := range slices.Sorted(maps.Keys(cfg.Servers)) {
		s := api.Server{
			Name:   name,
			Policy: cfg.Servers[name].Policy,
			Most:   cfg.Servers[name].Sessions,
		}
		d.mu.Lock()
		b := d.bridges[name]
		d.mu.Unlock()
		if b != nil {
			s.Sessions = b.Sessions()
		}
		out.Servers = append(out.Servers, s)
	}
	return out, nil
}

// serverMCP: /v1/servers/{name}/mcp
func (d *daemon) serverMCP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	server, ok := d.cfg.Load().Servers[name]
	if !ok {
		d.problem(
			w,
			r,
			newProblem(http.StatusNotFound, "GET /v1/servers lists them",
				"the config has no such server"),
		)
		return
	}
	d.bridge(
		w,
		r,
		name,
		server.Sessions,
		func(ctx context.Context, client string, p bridge.Pipe) error {
			return d.serveMCP(ctx, name, client, p)
		},
	)
}

// codeMCP: /v1/mcp offers run_code and secure_sandbox.
func (d *daemon) codeMCP(w http.ResponseWriter, r *http.Request) {
	const sessions = 64
	d.bridge(w, r, "", sessions, func(ctx context.Context, client string, p bridge.Pipe) error {
		cfg := d.cfg.Load()
		standard, err := cfg.Policy("code-standard")
		if err != nil {
			return err
		}
		secure, err := cfg.Policy("code-secure")
		if err != nil {
			return err
		}
		own := newID("m-") // the caller's name: what a session keeps is its connection's own
		defer d.endSessions(client + "/" + own)
		s := mcpserver.New(mcpserver.Config{Standard: standard, Secure: secure,
			BestEffort: cfg.BestEffort, Version: d.opt.Version,
			Run: func(ctx context.Context, p *policies.Policy,
				req *code.Request) (*code.Result, error) {
				return d.runFor(ctx, client, own, p, req)
			}})
		session, err := s.Connect(ctx,
			&mcp.IOTransport{Reader: readCloser{p}, Writer: writeCloser{p}})
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { session.Close() })
		defer stop()
		return session.Wait()
	})
}

type readCloser struct{ bridge.Pipe }

func (readCloser) Close() error { return nil } // the bridge does it

type writeCloser struct{ bridge.Pipe }

func (writeCloser) Close() error { return nil }

// bridge passes a request on to the bridge of this name, which is made when it is first needed.
func (d *daemon) bridge(w http.ResponseWriter, r *http.Request, name string, most int,
	open func(context.Context, string, bridge.Pipe) error) {
	if d.draining.Load() {
		d.problem(w, r, unavailable())
		return
	}
	d.mu.Lock()
	b := d.bridges[name]
	if b == nil {
		b = bridge.New(
			bridge.Config{Most: most, Open: open, Refuse: d.problem, Body: d.body,
				Failed: func(err error) {
					d.log.Error("an MCP server failed", "server", name, "error", err, "hint",
						hint.Of(err))
				}},
		)
		d.bridges[name] = b
	}
	d.mu.Unlock()
	id, _ := door.From(r.Context())
	if id.Restricted { // the others find some left
		most = max(1, most*3/4)
	}
	b.ServeHTTP(w, r, id.Client, most)
}

// serveMCP runs a contained server for one session.
func (d *daemon) serveMCP(ctx context.Context, name, client string, p bridge.Pipe) error {
	cfg := d.cfg.Load()
	server, ok := cfg.Servers[name]
	if !ok {
		return errors.New("the config does not list it any more")
	}
	policy, err := cfg.Policy(server.Policy)
	if err != nil {
		return err
	}
	own := *policy // a package changes its mounts
	policy = &own
	policy.Filesystem.Mounts = slices.Clone(policy.Filesystem.Mounts)
	start, err := d.prepare(ctx, cfg, policy, server)
	if err != nil {
		return err
	}
	defer start.Close()
	said := &lastWords{}
	host, err := d.launcher(cfg, policy, server, start, client, said)
	if err != nil {
		return err
	}
	out := proxy.Config{
		Client:  proxy.Pipe{Reader: p, Writer: p},
		Launch:  host.Launch,
		Server:  name,
		Policy:  policy.Name,
		Command: start.Command,
		Version: start.Version(),
		Rules:   policy.MCP,
	}
	if cfg.Allowlist != "" {
		what := identity.Describe(policy, name, start.Command, server.Command,
			start.Installed())
		file := cfg.Path(cfg.Allowlist)
		s, err := store.Open(file) // it may be the first use
		if err != nil {
			return err
		}
		s.Close()
		list, err := store.Follow(ctx, file, &what)
		if err != nil {
			return err
		}
		if v := list.CheckServer(what); !v.Allowed {
			return hint.Errorf(v.Hint, "the server may not run: %s", v.Reason)
		}
		out.Allow, out.Audit = list, &calls{d, client}
	}
	if file := policy.MCP.Pin.File; file != "" {
		if out.Pins, err = pin.Load(file); err != nil {
			return err
		}
	}
	result, err := proxy.Serve(ctx, out)
	if err == nil && !result.Terminated && result.Result.ExitCode != 0 {
		d.log.Warn("an MCP server ended", "server", name, "status", result.Result.Status,
			"exit_code", result.Result.ExitCode, "stderr", said.text())
	}
	return err
}

// lastWords keeps the end of what a server writes to stderr, for the log.
type lastWords struct {
	mu   sync.Mutex
	kept []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	const most = 2 << 10
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, p[max(0, len(p)-most):]...)
	l.kept = l.kept[max(0, len(l.kept)-most):]
	return len(p), nil
}

func (l *lastWords) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return safetext.Clean(string(l.kept), 0)
}

// prepare replaces npx and its like by what is installed for it: see admission.Desk.Prepare.
func (d *daemon) prepare(ctx context.Context, cfg *config.Config, policy *policies.Policy,
	server config.Server) (*admission.Start, error) {
	desk, err := admission.Open()
	if err != nil {
		return nil, err
	}
	return desk.Prepare(ctx, policy, server.Command, admission.Options{
		Env: slices.Sorted(maps.Keys(server.Env)),
		Install: packages.Options{BestEffort: cfg.BestEffort,
			Progress: func(line string) { d.log.Info(line) }},
		Say: func(line, remedy string) { d.log.Warn(line, "hint", remedy) },
	})
}

// calls keeps the records of tool calls, for learning and trials.
type calls struct {
	d      *daemon
	client string
}

// Append implements audit.Log.
func (c *calls) Append(r audit.Record) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return c.d.db.SaveCall(r.Time, c.client, body)
}

func (d *daemon) launcher(
	cfg *config.Config,
	policy *policies.Policy,
	server config.Server,
	start *admission.Start,
	client string,
	stderr io.Writer,
) (*launch.Launcher, error) {
	if err := identity.Check(policy, start.Command, server.Command, start.Installed()); err != nil {
		return nil, err
	}
	return &launch.Launcher{
		Spec: func() (mcpruntime.Spec, error) {
			return mcpruntime.Spec{Policy: policy, BestEffort: cfg.BestEffort,
				Secrets: cfg.Sources(),
				Sinks:   []monitor.Sink{d.hub.Sink(hub.Origin{Client: client})}}, nil
		},
		Command: mcpruntime.Command{
			Args:   start.Command,
			Env:    environment(server.Env),
			Dir:    server.Dir,
			Stderr: stderr,
			Origin: func() monitor.Origin { return monitor.Origin{Client: client} },
		},
	}, nil
}

// maxIdleSession is how long an MCP session may be left alone.
const maxIdleSession = 30 * time.Minute

func (d *daemon) eachBridge(f func(*bridge.Bridge)) {
	d.mu.Lock()
	all := slices.Collect(maps.Values(d.bridges))
	d.mu.Unlock()
	for _, b := range all {
		f(b)
	}
}
