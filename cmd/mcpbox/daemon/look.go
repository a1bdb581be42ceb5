package daemon

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

// oneID takes exactly one id.
func oneID(example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return hint.Errorf(example+"; mcpbox ps lists what runs", "give one id")
		}
		return nil
	}
}

// isSandbox tells the ids of sandboxes from those of executions.
func isSandbox(id string) bool { return strings.HasPrefix(id, "s-") }

// NewInspectCmd makes `mcpbox inspect`.
func NewInspectCmd() *cobra.Command {
	var a Asking
	cmd := &cobra.Command{
		Use:     "inspect ID",
		Short:   "Print what the daemon knows of an execution or a sandbox, as JSON",
		Example: "  mcpbox inspect x-0123456789abcdef",
		Args:    oneID("mcpbox inspect x-0123456789abcdef"),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := a.Dial()
			if err != nil {
				return err
			}
			if !isSandbox(ids[0]) {
				x, err := c.Execution(cmd.Context(), ids[0])
				if err != nil {
					return err
				}
				return printJSON(cmd.OutOrStdout(), x)
			}
			box, err := c.Sandbox(cmd.Context(), ids[0])
			if err != nil {
				return err
			}
			usage, err := c.Usage(cmd.Context(), ids[0])
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), struct {
				*api.Sandbox
				Usage *api.Usage `json:"usage"`
			}{box, usage})
		},
	}
	a.Register(cmd)
	return cmd
}

// NewLogsCmd makes `mcpbox logs`.
func NewLogsCmd() *cobra.Command {
	var a Asking
	var follow bool
	cmd := &cobra.Command{
		Use:     "logs ID",
		Short:   "Print the output of an execution: stdout to stdout, stderr to stderr",
		Example: "  mcpbox logs -f x-0123456789abcdef",
		Args:    oneID("mcpbox logs x-0123456789abcdef"),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if isSandbox(ids[0]) {
				return hint.Errorf("mcpbox exec shows a command's output as it comes",
					"%s: the output of commands in a sandbox goes to who runs them", ids[0])
			}
			c, err := a.Dial()
			if err != nil {
				return err
			}
			return c.Logs(cmd.Context(), ids[0], follow, copyTo(cmd.OutOrStdout(),
				cmd.ErrOrStderr(), nil))
		},
	}
	a.Register(cmd)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until it has ended")
	return cmd
}

// copyTo writes output where it belongs, and remembers the result.
func copyTo(stdout, stderr io.Writer, result **api.Result) func(api.Message) error {
	return func(m api.Message) (err error) {
		switch m.Kind {
		case api.KindStdout:
			_, err = stdout.Write(m.Bytes())
		case api.KindStderr:
			_, err = stderr.Write(m.Bytes())
		case api.KindResult:
			if result != nil {
				*result = m.Result
			}
		}
		return err
	}
}

// PrintUsage shows what the daemon's sandboxes use now: all of them, or those named.
func (a *Asking) PrintUsage(cmd *cobra.Command, ids []string, asJSON bool) error {
	c, err := a.Dial()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		boxes, err := c.Sandboxes(cmd.Context())
		if err != nil {
			return err
		}
		for _, b := range boxes {
			ids = append(ids, b.ID)
		}
	}
	return printUsage(cmd, c, ids, asJSON)
}

func printUsage(cmd *cobra.Command, c *client.Client, ids []string, asJSON bool) error {
	all := map[string]*api.Usage{}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tCOMMANDS\tCPU\tMEMORY\tPROCESSES\tREAD\tWRITTEN\tSENT\tRECEIVED")
	for _, id := range ids {
		u, err := c.Usage(cmd.Context(), id)
		if err != nil {
			return hint.Wrap(fmt.Errorf("%s: %w", id, err), "mcpbox ps lists what runs")
		}
		all[id] = u
		cpu := "?"
		if u.CPU >= 0 {
			cpu = fmt.Sprintf("%.2f s", u.CPU)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", id, u.Commands, cpu,
			size(u.Memory), count(u.Processes), size(u.Read), size(u.Written), size(u.Sent),
			size(u.Received))
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), all)
	}
	return t.Flush()
}

func count(n int64) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}

func size(n int64) string {
	const mib = 1 << 20
	switch {
	case n < 0:
		return "?"
	case n < mib:
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}
