package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
	"github.com/mcpbox/mcpbox/code/store"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

func newStatsCmd() *cobra.Command {
	var path string
	var since time.Duration
	var asJSON, sandboxes bool
	var asking daemon.Asking
	cmd := &cobra.Command{
		Use:   "stats [flags] [SANDBOX…]",
		Short: "Sum up what code has been run, or show what the daemon's sandboxes use now",
		Long: `Sum up the executions of mcpbox code and mcp-server: how many, how they ended, in
which languages, which events there were, and percentiles of time and memory. Executions older than
30 days are forgotten.

With ids of sandboxes, or --sandboxes, show what their commands use now: CPU time, memory,
processes, bytes of block devices and of the network. A ? is not known on this host.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if sandboxes || len(ids) > 0 {
				return asking.PrintUsage(cmd, ids, asJSON)
			}
			s, err := openStore(path)
			if err != nil {
				return err
			}
			defer s.Close()
			var from time.Time
			if since > 0 {
				from = time.Now().Add(-since)
			}
			stats, err := s.Stats(cmd.Context(), from)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), stats)
			}
			return printStats(cmd.OutOrStdout(), stats)
		},
	}
	storeFlag(cmd.Flags(), &path)
	cmd.Flags().DurationVar(&since, "since", 0, "only of the last `DURATION`, such as 24h")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&sandboxes, "sandboxes", false, "what the daemon's sandboxes use now")
	asking.Register(cmd)
	return cmd
}

func openStore(path string) (*store.Store, error) {
	path, err := storePath(path)
	if err != nil {
		return nil, err
	}
	return store.OpenExisting(path)
}

func printStats(w io.Writer, s *store.Stats) error {
	var b strings.Builder
	fmt.Fprintf(&b, "executions: %d", s.Total)
	if s.Since != nil {
		fmt.Fprintf(&b, " since %s", s.Since.Format(time.RFC3339))
	}
	b.WriteByte('\n')
	for _, part := range []struct {
		name   string
		counts map[string]int
	}{{"status", s.ByStatus}, {"language", s.ByLanguage}, {"policy", s.ByPolicy}, {"risk",
		s.ByRisk}, {"events", s.ByEvent}} {
		if len(part.counts) > 0 {
			fmt.Fprintf(&b, "%-9s %s\n", part.name, counts(part.counts))
		}
	}
	if p := s.Time; p != nil {
		fmt.Fprintf(&b, "%-9s p50 %.3f s, p90 %.3f s, p99 %.3f s, max %.3f s\n", "time", p.P50,
			p.P90, p.P99, p.Max)
	}
	if p := s.Memory; p != nil {
		const mib = 1 << 20
		fmt.Fprintf(&b, "%-9s p50 %.1f MiB, p90 %.1f MiB, p99 %.1f MiB, max %.1f MiB\n", "memory",
			p.P50/mib, p.P90/mib, p.P99/mib, p.Max/mib)
	}
	for _, t := range s.Network {
		fmt.Fprintf(&b, "%-9s %s: %s in %s, %s sent, %s received, %.3f s\n", "network",
			safetext.Clean(hostrule.Join(t.Host, t.Port), 300),
			plural.Of(t.Connections, "connection"), plural.Of(t.Executions, "execution"),
			plural.Of(t.Sent, "byte"), plural.Of(t.Received, "byte"), t.Duration)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counts lists the most frequent first.
func counts(of map[string]int) string {
	keys := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		if of[a] != of[b] {
			return of[b] - of[a]
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = fmt.Sprintf("%s %d", k, of[k])
	}
	return strings.Join(parts, ", ")
}
