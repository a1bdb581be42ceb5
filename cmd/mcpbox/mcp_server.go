package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/code/mcpserver"
	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
)

// tokenVariable holds the token that clients over HTTP must know: a flag would show it to every
// user of the host.
const tokenVariable = "MCPBOX_TOKEN"

func newMCPServerCmd() *cobra.Command {
	var listen, standard, secure string
	var bestEffort bool
	var remember recordFlags
	cmd := &cobra.Command{
		Use:   "mcp-server [flags]",
		Short: "Offer a safe interpreter to MCP clients: the tools run_code and secure_sandbox",
		Long: `Offer two tools to MCP clients: run_code (the policy code-standard) and
secure_sandbox (code-secure).

Without --listen it speaks on standard input and output, as a client's configuration expects. With
--listen it serves streamable HTTP at /mcp, on a loopback address only; if ` + tokenVariable + `
is set, clients have to send it as a bearer token.`,
		Example: `  claude mcp add sandbox -- mcpbox mcp-server
  mcpbox mcp-server --listen 127.0.0.1:8931`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := mcpserver.Config{
				BestEffort:  bestEffort,
				Version:     version(),
				Token:       os.Getenv(tokenVariable),
				Unavailable: doctorSays,
				Done:        remember.record,
			}
			var err error
			if cfg.Standard, err = remember.policy(standard); err != nil {
				return err
			}
			if cfg.Secure, err = remember.policy(secure); err != nil {
				return err
			}
			cfg.Secrets = map[string]secret.Source{}
			for _, p := range []*policies.Policy{cfg.Standard, cfg.Secure} {
				sources, err := thisProcess().sources(p, nil)
				if err == nil {
					err = egress.CheckSources(p, sources)
				}
				if err != nil {
					return err
				}
				maps.Copy(cfg.Secrets, sources)
			}
			sandboxes := pool.New(pool.Config{BestEffort: bestEffort})
			defer sandboxes.Close()
			cfg.Pool = code.NewPool(sandboxes)
			ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
			defer stop()
			s := mcpserver.New(cfg)
			if listen == "" {
				return s.Run(ctx)
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return hint.Wrap(err, "--listen 127.0.0.1:8931, or another free port")
			}
			fmt.Fprintf(steady.File(os.Stderr), "mcpbox: http://%s/mcp\n", l.Addr())
			return s.Listen(ctx, l)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(
		&listen,
		"listen",
		"",
		"serve streamable HTTP on `ADDRESS:PORT`, a loopback address",
	)
	fl.StringVar(&standard, "standard", "code-standard", "`NAME|FILE` of the policy of run_code")
	fl.StringVar(&secure, "secure", "code-secure", "`NAME|FILE` of the policy of secure_sandbox")
	remember.register(fl)
	fl.BoolVar(&bestEffort, "best-effort", false,
		"run even if the host lacks a layer that the policies require, and say so")
	return cmd
}
