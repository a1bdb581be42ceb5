package daemon

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

// Asking is what the commands that ask the daemon have in common.
type Asking struct {
	socket string
	asJSON bool
}

// Register adds the flag --socket.
func (a *Asking) Register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.socket, "socket", "",
		"the daemon's socket, or its address; $MCPBOX_TOKEN is sent to an address "+
			"(default: $MCPBOX_SOCKET, or serve's default)")
}

// Dial makes a client.
func (a *Asking) Dial() (*client.Client, error) {
	var options []client.Option
	if token := os.Getenv("MCPBOX_TOKEN"); token != "" && strings.Contains(a.socket, "://") {
		options = append(options, client.WithToken(token))
	}
	return client.Dial(a.socket, options...)
}

func (a *Asking) register(cmd *cobra.Command) *cobra.Command {
	a.Register(cmd)
	cmd.Flags().BoolVar(&a.asJSON, "json", false, "print JSON")
	return cmd
}

// NewPSCmd makes `mcpbox ps`.
func NewPSCmd() *cobra.Command {
	var a Asking
	return a.register(&cobra.Command{
		Use:   "ps",
		Short: "List what runs in the daemon: executions, sandboxes, sessions of code",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.Dial()
			if err != nil {
				return err
			}
			running, err := c.Executions(cmd.Context(), "state=running")
			if err != nil {
				return err
			}
			boxes, err := c.Sandboxes(cmd.Context())
			if err != nil {
				return err
			}
			sessions, err := c.Sessions(cmd.Context(), "")
			if err != nil {
				return err
			}
			if a.asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"executions": running.Executions,
					"sandboxes": boxes, "sessions": sessions})
			}
			return printRunning(cmd.OutOrStdout(), running.Executions, boxes, sessions)
		},
	})
}

func printRunning(w io.Writer, executions []api.Execution, boxes []api.Sandbox,
	sessions []api.Session) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tPOLICY\tAGE\tCLIENT\tCALLER\tWHAT")
	row := func(id, policy string, since time.Time, client, caller, what string) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", id, policy, time.Since(since).Round(time.Second),
			client, safetext.Clean(caller, 40), safetext.Clean(what, 60))
	}
	for _, x := range executions {
		what := strings.Join(x.Command, " ")
		if x.Language != "" {
			what = x.Language + " code"
		}
		row(x.ID, x.Policy, x.Created, x.Client, x.Caller, what)
	}
	for _, b := range boxes {
		row(b.ID, b.Policy, b.Created, b.Client, b.Caller,
			fmt.Sprintf("sandbox, %d running", b.Running))
	}
	for _, s := range sessions {
		row(safetext.Clean(s.Name, 40), "", s.Opened, s.Client, s.Caller, "session of code")
	}
	return t.Flush()
}

// NewKillCmd makes `mcpbox kill`.
func NewKillCmd() *cobra.Command {
	var a Asking
	var sessions []string
	var caller string
	cmd := &cobra.Command{
		Use:   "kill ID…",
		Short: "End executions, sandboxes and sessions of the daemon",
		Example: "  mcpbox kill x-0123456789abcdef\n" +
			"  mcpbox kill --session notes",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if len(ids)+len(sessions) == 0 {
				return hint.Errorf("mcpbox ps lists them", "no id given")
			}
			c, err := a.Dial()
			if err != nil {
				return err
			}
			for _, name := range sessions {
				if err := c.EndSession(cmd.Context(), caller, name); err != nil {
					return hint.Wrap(fmt.Errorf("%s: %w", name, err), "mcpbox ps lists what runs")
				}
			}
			for _, id := range ids {
				if strings.HasPrefix(id, "s-") {
					err = c.Destroy(cmd.Context(), id)
				} else {
					_, err = c.Cancel(cmd.Context(), id)
				}
				if err != nil {
					return hint.Wrap(fmt.Errorf("%s: %w", id, err), "mcpbox ps lists what runs")
				}
			}
			return nil
		},
	}
	a.Register(cmd)
	cmd.Flags().StringArrayVar(&sessions, "session", nil,
		"end the session of code of this `NAME` (may be repeated)")
	cmd.Flags().StringVar(&caller, "caller", "", "the sessions are this caller's")
	return cmd
}

// NewTopCmd makes `mcpbox top`.
func NewTopCmd() *cobra.Command {
	var a Asking
	return a.register(&cobra.Command{
		Use:   "top",
		Short: "Show the daemon's levels and counts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.Dial()
			if err != nil {
				return err
			}
			s, err := c.Stats(cmd.Context())
			if err != nil {
				return err
			}
			if a.asJSON {
				return printJSON(cmd.OutOrStdout(), s)
			}
			return printStats(cmd.OutOrStdout(), s)
		},
	})
}

func printStats(w io.Writer, s *api.Stats) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "up\t%s\nrunning\t%d\nsandboxes\t%d\nwaiting\t%d\n",
		time.Since(s.Started).Round(time.Second), s.Running, s.Sandboxes, s.Pool.Waiting)
	for _, group := range []struct {
		name   string
		values map[string]uint64
	}{{"executions", s.Executions}, {"refused", s.Refused}, {"events", s.Events}} {
		for _, k := range slices.Sorted(maps.Keys(group.values)) {
			fmt.Fprintf(t, "%s %s\t%d\n", group.name, k, group.values[k])
		}
	}
	for _, p := range s.Pool.Policies {
		fmt.Fprintf(t, "pool %s\t%d warm, %d calls, %d waited\n", p.Name, p.Warm, p.Calls, p.Waited)
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
