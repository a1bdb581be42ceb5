package daemon

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/server"
)

//go:embed mcpbox.service
var serviceUnit string

//go:embed mcpbox.socket
var socketUnit string

// NewServeCmd makes `mcpbox serve`.
func NewServeCmd(version func() string) *cobra.Command {
	var opt server.Options
	var printUnit string
	var newToken string
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Serve an HTTP API that runs commands and code in sandboxes",
		Long: `Listens on a Unix socket for its own user and root, until SIGTERM or SIGINT. Then it
takes no new work, and lets what runs finish for up to 30 s (drain in the config). SIGHUP makes it
read its config file again. docs/API.md describes the API and the file.`,
		Example: `  mcpbox serve
  mcpbox serve --config /etc/mcpbox/serve.yaml
  mcpbox serve --new-token ci
  curl --unix-socket /run/mcpbox/mcpbox.sock http://mcpbox/v1/executions \
      -d '{"command": ["echo", "hello"]}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case printUnit == "service":
				return printText(cmd, strings.ReplaceAll(serviceUnit, "@MCPBOX@", executable()))
			case printUnit == "socket":
				return printText(cmd, socketUnit)
			case printUnit != "":
				return hint.Errorf("--print-unit=service or --print-unit=socket",
					"there is no unit %q", printUnit)
			case newToken != "":
				return printToken(cmd, newToken)
			}
			opt.Version = version()
			return serve(cmd.Context(), opt)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&opt.ConfigFile, "config", "", "the config `FILE` (YAML)")
	fl.StringVar(
		&opt.Socket,
		"socket",
		"",
		"listen on this Unix socket (default: /run/mcpbox/mcpbox.sock, or "+
			"$XDG_RUNTIME_DIR/mcpbox/mcpbox.sock)",
	)
	fl.StringVar(
		&opt.State,
		"state",
		"",
		"keep executions and events in this `DIR` (default: /var/lib/mcpbox, or "+
			"~/.local/state/mcpbox)",
	)
	fl.StringVar(
		&opt.Listen,
		"listen",
		"",
		"listen on `ADDRESS:PORT` too, for clients with a token of the config",
	)
	fl.BoolVar(&opt.AllowRemote, "allow-remote", false,
		"the address may be other than loopback; it takes a certificate in the config")
	fl.BoolVar(&opt.BestEffort, "best-effort", false,
		"run even if the host lacks a layer that the policy requires; results say so")
	fl.StringVar(
		&newToken,
		"new-token",
		"",
		"print a new token for a client of this `NAME`, and its line for the config; do not serve",
	)
	fl.StringVar(&printUnit, "print-unit", "",
		"print a unit for systemd, service or socket; do not serve")
	fl.Lookup("print-unit").NoOptDefVal = "service"
	return cmd
}

func serve(ctx context.Context, opt server.Options) error {
	ctx, stop := signal.NotifyContext(ctx, unix.SIGTERM, unix.SIGINT)
	defer stop()
	hangup, reload := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangup, unix.SIGHUP)
	defer signal.Stop(hangup)
	go func() {
		for range hangup {
			reload <- struct{}{}
		}
	}()
	opt.Reload = reload
	opt.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	opt.Ready = func(addresses []string) {
		opt.Log.Info("ready", "listen", strings.Join(addresses, " "))
		notify(opt.Log, "READY=1")
	}
	context.AfterFunc(ctx, func() { notify(opt.Log, "STOPPING=1") })
	return server.Run(ctx, opt)
}

// notify tells systemd, if it started the daemon. sd_notify(3)
func notify(log *slog.Logger, state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if name[0] == '@' { // in the abstract namespace
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		conn.Close()
	}
	if err != nil {
		log.Warn("systemd could not be told", "state", state, "error", err)
	}
}

func executable() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "/usr/local/bin/mcpbox"
}

func printText(cmd *cobra.Command, text string) error {
	_, err := fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}

func printToken(cmd *cobra.Command, name string) error {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails: crypto/rand
	token := "mcpbox_" + base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(token))
	return printText(
		cmd,
		fmt.Sprintf(
			"token, for the client; it is not kept: %s\nfor the config:\n"+
				"tokens:\n  - {name: %s, sha256: %s}\n",
			token,
			name,
			hex.EncodeToString(sum[:]),
		),
	)
}
