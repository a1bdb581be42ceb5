package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/logfile"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/mcp/proxy"
	"github.com/mcpbox/mcpbox/mcp/store"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// mcpFlags are what `mcpbox mcp` has beside the flags of every sandbox.
type mcpFlags struct {
	sandboxFlags
	name, audit, pins, isolate, store string
	grant                             []string
	unpinned                          bool // `mcp pin`: the file is about to be made
	allow                             *access.Live
	after                             *aftermath
	asked                             []string // the command line as given: npx …
	start                             *admission.Start
}

func newMCPCmd() *cobra.Command {
	var f mcpFlags
	cmd := &cobra.Command{
		Use:   "mcp [flags] -- SERVER [ARGS…]",
		Short: "Run a stdio MCP server in a sandbox, and check its calls",
		Long: `Runs an MCP server in a sandbox and passes messages between it and the
client. The policy's mcp section says which tools exist, which arguments they take and how
outputs are marked. Every other message passes byte for byte.`,
		Example: `  mcpbox mcp --workspace ~/notes -- node server.js
  mcpbox mcp --policy notes.yaml --events e.jsonl --audit calls.jsonl -- node server.js
  mcpbox mcp pin --pins pins.json -- node server.js`,
		Args: needServer,
		RunE: func(cmd *cobra.Command, args []string) error { return f.serve(cmd, args) },
	}
	f.register(cmd)
	f.dryRun.register(cmd)
	cmd.AddCommand(newMCPPinCmd(), newMCPDiffCmd())
	return cmd
}

func (f *mcpFlags) register(cmd *cobra.Command) {
	f.sandboxFlags.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "",
		"the server's `NAME` in events, tags and rules (default: taken from its command)")
	fl.StringVar(&f.audit, "audit", "",
		"append a record of every call and refusal to `FILE` (one JSON object a line)")
	fl.StringVar(&f.pins, "pins", "",
		"the `FILE` of approved tool definitions, as mcpbox mcp pin writes it")
	fl.StringVar(&f.store, "store", "",
		"also apply the allowlist in `FILE` (default: that of mcpbox allow, if there is one); "+
			"changes to it apply at once")
	fl.StringSliceVar(&f.grant, "grant", nil,
		"a `LIST` of what the agent may use: fs.read, fs.write, net, exec (default: all)")
	fl.StringVar(&f.isolate, "isolate", "", "`call`: start a new server for every tool call")
}

func needServer(_ *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "" {
		return hint.Errorf("mcpbox mcp [flags] -- SERVER [ARGS…]", "no server command given")
	}
	return nil
}

func (f *mcpFlags) serve(cmd *cobra.Command, args []string) error {
	spec, err := f.spec(cmd)
	if err != nil {
		return err
	}
	if f.dryRun.on {
		return f.dryRun.show(cmd.OutOrStdout(), spec, mcpruntime.Command{Args: args,
			Env: f.environment(), Dir: f.dir})
	}
	f.tellUnset()
	f.asked = args
	start, err := f.prepare(cmd.Context(), spec.Policy, args)
	if err != nil {
		return err
	}
	defer start.Close()
	f.start, args = start, start.Command
	cfg, err := f.config(cmd, spec, args)
	if err != nil {
		return err
	}
	result, err := f.openResult()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	defer stop()
	signal.Ignore(unix.SIGPIPE) // a client that is gone is an error of the write
	cfg.ClientGone = launch.WatchHangup(os.Stdout)
	f.tellNoDownload(spec.Policy, args)
	out, err := proxy.Serve(ctx, *cfg)
	if f.after != nil {
		defer f.after.close()
	}
	if err != nil {
		result.write(mcpruntime.SetupResult(spec, mcpruntime.Command{Args: f.asked}, err,
			exitCode(err)))
		return err
	}
	result.write(out.Result)
	tellLost(steady.File(os.Stderr), out.Result.EventStats)
	if f.after != nil {
		f.after.end()
	}
	if out.Terminated || out.Result.ExitCode == 0 {
		return nil
	}
	tellCause(steady.File(os.Stderr), out.Result)
	if !out.Answered {
		f.tellArgument(spec, mcpruntime.Command{Args: args, Env: f.environment(), Dir: f.dir})
		f.tellVariables(spec.Policy)
	}
	return exitError(out.Result.ExitCode)
}

// config puts together what the proxy needs. The first sandbox takes the spec, with its sinks;
// later ones get their own.
func (f *mcpFlags) config(cmd *cobra.Command, spec mcpruntime.Spec, args []string) (*proxy.Config,
	error) {
	var err error
	if f.pins != "" {
		spec.Policy.MCP.Pin.File = f.pins
	}
	f.defaultStore()
	if err := outOfReach(spec.Policy, f.streams(), f.audit, f.store,
		spec.Policy.MCP.Pin.File); err != nil {
		return nil, err
	}
	if spec.Policy.Isolation == policies.IsolationNone {
		fmt.Fprintln(steady.File(os.Stderr), "mcpbox: policy none: the server is not sandboxed")
	}
	cfg := &proxy.Config{
		Client:  proxy.Pipe{Reader: steady.File(os.Stdin), Writer: steady.File(os.Stdout)},
		Server:  f.name,
		Policy:  spec.Policy.Name,
		Command: args, Version: f.start.Version(), Rules: spec.Policy.MCP,
		Isolate: f.isolate == "call",
		Warn: func(format string, a ...any) {
			fmt.Fprintf(steady.File(os.Stderr), "mcpbox: %s\n", safetext.Clean(fmt.Sprintf(format,
				a...), 400))
		},
	}
	if f.isolate != "" && f.isolate != "call" {
		return nil, hint.Errorf("use --isolate call, or leave it out", "unknown isolation %q",
			f.isolate)
	}
	if cfg.Server == "" {
		cfg.Server = f.start.Name()
		if cfg.Server == "" {
			cfg.Server = identity.Name(spec.Policy, args)
		}
	}
	f.oncePerDay = cfg.Server
	if f.store != "" {
		server := identity.Describe(spec.Policy, cfg.Server, args, f.asked, f.start.Installed())
		if f.allow, err = store.Follow(cmd.Context(), f.store, &server); err != nil {
			return nil, err
		}
		cfg.Allow = f.allow
	}
	if err := f.mayRun(spec.Policy, cfg.Server, args); err != nil {
		return nil, err
	}
	first := &spec
	host := &launch.Launcher{
		Spec: func() (mcpruntime.Spec, error) {
			if s := first; s != nil {
				first = nil
				return *s, nil
			}
			// it may have rewritten itself
			if err := f.mayRun(spec.Policy, cfg.Server, args); err != nil {
				return mcpruntime.Spec{}, err
			}
			return f.again(spec)
		},
		Command: mcpruntime.Command{Args: args, Env: f.environment(), Dir: f.dir,
			Stderr: os.Stderr,
			BeforeResult: func(p *mcpruntime.Process) {
				if f.after != nil && f.after.process == p {
					f.after.network()
				}
			}},
		Started: func(r *mcpruntime.Process) {
			f.tellMissing(spec.Policy.Require, r.Layers(), r.Limits())
			if f.after == nil {
				if f.after = f.aftermath(r, spec.Policy); f.after != nil {
					go f.after.watch(r.Done())
				}
			}
		},
	}
	cfg.Launch = host.Launch
	if cmd.Flags().Changed("grant") {
		if cfg.Grant, err = grants(f.grant); err != nil {
			return nil, err
		}
	}
	if file := spec.Policy.MCP.Pin.File; file != "" && !f.unpinned {
		if cfg.Pins, err = pin.Load(file); err != nil {
			return nil, err
		}
	}
	if f.audit != "" {
		file, err := logfile.Open("audit file", f.audit, os.O_APPEND)
		if err != nil {
			return nil, err
		}
		cfg.Audit = audit.NewLog(file)
		host.Reached = auditNetwork(cfg)
		if f.store != "" {
			if err := f.witness(cmd.Context(), cfg); err != nil {
				return nil, err
			}
		}
	}
	return cfg, nil
}

// witness records which entry of the store is the newest: `mcpbox allow verify --audit` compares.
func (f *mcpFlags) witness(ctx context.Context, cfg *proxy.Config) error {
	s, err := store.OpenExisting(f.store)
	if err != nil {
		return err
	}
	defer s.Close()
	_, head, err := s.Rules(ctx)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(f.store)
	if err != nil {
		return err
	}
	noteAudit(path, f.audit)
	return cfg.Audit.Append(audit.Record{Time: time.Now().UTC(), Decision: "allowed",
		Server: cfg.Server, Policy: cfg.Policy, Method: audit.MethodAllowlist,
		Allowlist: &audit.Witness{Store: path, Head: head.String()}})
}

// defaultStore takes the user's own allowlist, if there is one and no other is named: `mcpbox allow
// add` writes to it.
func (f *mcpFlags) defaultStore() {
	if f.store != "" {
		return
	}
	if path, err := store.DefaultPath(); err == nil {
		if _, err := os.Stat(path); err == nil {
			f.store = path
			if !f.quiet {
				fmt.Fprintf(steady.File(os.Stderr), "mcpbox: the allowlist %s applies\n", path)
			}
		}
	}
}

// auditNetwork records the server's connections beside the calls.
func auditNetwork(cfg *proxy.Config) func(string, mcpruntime.Connections, *monitor.Call) {
	return func(sandbox string, c mcpruntime.Connections, call *monitor.Call) {
		r := audit.Record{Time: time.Now().UTC(), Decision: "allowed", Server: cfg.Server,
			Sandbox: sandbox, Policy: cfg.Policy, Method: audit.MethodNetwork, Host: c.Host,
			Port: c.Port, BytesIn: int(c.Received), BytesOut: int(c.Sent),
			Duration: time.Duration(c.Duration).Seconds()}
		if call != nil {
			r.Request, r.Tool, r.Shared = call.Request, call.Tool, len(call.Ambiguous) > 0
		}
		if err := cfg.Audit.Append(r); err != nil {
			cfg.Warn("audit: %v", err)
		}
	}
}

// mayRun asks the policy and the operator's store whether the server may run, as it is now.
func (f *mcpFlags) mayRun(p *policies.Policy, name string, args []string) error {
	if err := identity.Check(p, args, f.asked, f.start.Installed()); err != nil {
		return err
	}
	if f.allow == nil {
		return nil
	}
	if v := f.allow.CheckServer(identity.Describe(p, name, args, f.asked,
		f.start.Installed())); !v.Allowed {
		return hint.Errorf("to allow it: mcpbox allow add --store "+f.store+" …", "%w: %s",
			identity.ErrRefused, v.Reason)
	}
	return nil
}

// grants reads --grant. An empty one grants nothing.
func grants(given []string) ([]string, error) {
	out := []string{}
	for _, c := range given {
		switch {
		case c == "" || c == "none":
		case slices.Contains(policies.MCPCapabilities(), c):
			out = append(out, c)
		default:
			return nil, hint.Errorf("use "+strings.Join(policies.MCPCapabilities(),
				", ")+", or none", "unknown capability %q", c)
		}
	}
	return out, nil
}
