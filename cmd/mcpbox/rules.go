package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

func newRulesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Try a policy's rules on recorded events",
	}
	cmd.AddCommand(newRulesTestCmd())
	return cmd
}

func newRulesTestCmd() *cobra.Command {
	var policy string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test --policy FILE EVENTS…",
		Short: "Count what rules would have done, and compare with labels",
		Long: `Reads event logs (--events of run, mcp and code) and asks the policy's rules about
each event. A line may have a label that a person has added: "label": "malicious" or
"label": "benign". A sandbox is malicious if one of its events is. Rules about usage and
files are skipped, because event logs have neither.`,
		Example: "  mcpbox rules test --policy notes.yaml events.jsonl",
		Args:    arguments(1, many),
		RunE: func(cmd *cobra.Command, names []string) error {
			if policy == "" {
				return hint.Errorf("mcpbox rules test --policy notes.yaml events.jsonl",
					"no policy given")
			}
			p, err := policies.Load(policy)
			if err != nil {
				return err
			}
			if len(p.Rules) == 0 {
				return hint.Errorf("add rules: docs/POLICY.md has examples",
					"policy %s has no rules", p.Name)
			}
			var all []io.Reader
			for _, name := range names {
				in, err := openInput(cmd, name)
				if err != nil {
					return err
				}
				defer in.Close()
				all = append(all, in, strings.NewReader("\n"))
			}
			got, err := monitor.Replay(p.Rules, io.MultiReader(all...))
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), got)
			}
			return printReplayed(cmd.OutOrStdout(), got)
		},
	}
	cmd.Flags().StringVar(&policy, "policy", "", "the policy `FILE` that has the rules")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printReplayed(w io.Writer, r *monitor.Replayed) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tHITS\tMALICIOUS\tBENIGN\tUNLABELLED")
	for _, s := range r.Rules {
		if s.Skipped != "" {
			fmt.Fprintf(t, "%s\tskipped: %s\n", s.ID, s.Skipped)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", s.ID, s.Hits, s.Malicious, s.Benign, s.Unlabelled)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s", plural.Of(r.Events, "event"))
	if r.Bad > 0 {
		fmt.Fprintf(w, ", %s skipped", plural.Of(r.Bad, "line"))
	}
	_, err := fmt.Fprintf(w, "\nsandboxes: %d malicious caught, %d missed; %d benign caught, "+
		"%d left alone; precision %s, recall %s\n", r.Caught, r.Missed, r.False, r.Right,
		percentage(r.Precision), percentage(r.Recall))
	return err
}

func percentage(share *float64) string {
	if share == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f %%", 100**share)
}
