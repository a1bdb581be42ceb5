package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/learn"
)

func (f *allowFlags) learn() *cobra.Command {
	var o learn.Options
	var apply bool
	cmd := &cobra.Command{
		Use:   "learn AUDIT…",
		Short: "Propose rules from what the proxy recorded (mcpbox mcp --audit)",
		Long: `Propose tool and parameter rules from what the proxy recorded, with what speaks for each. Nothing is applied without
--apply. --json prints the allowlist as it would be, for allow evaluate --rules or allow import.`,
		Args: arguments(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			records, err := readAudit(cmd, args)
			if err != nil {
				return err
			}
			current, err := f.rules(cmd)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			report, err := learn.Propose(records, current, o)
			if err != nil {
				return err
			}
			if f.json {
				data, err := access.Export(report.Apply(current))
				if err == nil {
					_, err = cmd.OutOrStdout().Write(data)
				}
				return err
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), report.String()); err != nil {
				return err
			}
			if !apply || len(report.Proposals) == 0 {
				if len(report.Proposals) > 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "not applied: --apply does")
				}
				return nil
			}
			// The rules may have changed while this was read: what is applied is proposed for those in force then.
			return f.update(cmd, "learn", func(now []access.Rule) ([]access.Rule, error) {
				again, err := learn.Propose(records, now, o)
				if err != nil {
					return nil, err
				}
				return again.Apply(now), nil
			})
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&apply, "apply", false, "add the proposed rules to the allowlist")
	fl.BoolVar(&f.json, "json", false, "print the allowlist with the proposals, as export does")
	fl.BoolVar(&o.Replace, "replace", false, "propose other rules for arguments that have one")
	fl.IntVar(&o.MinCalls, "min-calls", 5, "calls that a tool needs to be proposed")
	fl.IntVar(&o.MinSamples, "min-samples", 20, "samples that an argument needs to be restricted")
	cmd.MarkFlagsMutuallyExclusive("apply", "json")
	return cmd
}

func readAudit(cmd *cobra.Command, names []string) (out []audit.Record, err error) {
	for _, name := range names {
		in, err := openInput(cmd, name)
		if err != nil {
			return nil, hint.Wrap(err, "name a file that mcpbox mcp --audit wrote, or - for standard input")
		}
		records, bad, err := learn.ReadRecords(in)
		in.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(bad) > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: %s: passed over %s; line %d: %s\n", name, plural.Of(len(bad), "line"), bad[0].Line, safetext.Clean(bad[0].Why, 200))
		}
		if len(records) == 0 {
			return nil, hint.Errorf("give it a file that mcpbox mcp --audit wrote", "%s: no records in it", name)
		}
		out = append(out, records...)
	}
	return out, nil
}

func (f *allowFlags) evaluate() *cobra.Command {
	var labels, file string
	cmd := &cobra.Command{
		Use:   "evaluate --labels FILE",
		Short: "Measure the rules against labelled records: what they refuse that is benign, what they let pass that is malicious",
		Long: `Measure the rules against records that somebody has judged: one JSON object a line, as mcpbox mcp --audit writes them,
with "label": "benign" or "label": "malicious". Positive is malicious, and refusing it is right.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := f.measured(cmd, file)
			if err != nil {
				return err
			}
			set, err := access.NewSet(list)
			if err != nil {
				return err
			}
			if labels == "" {
				return hint.Errorf("mcpbox allow evaluate --labels FILE", "no labelled records given")
			}
			in, err := openInput(cmd, labels)
			if err != nil {
				return hint.Wrap(err, "name a file of records with labels, or - for standard input")
			}
			defer in.Close()
			result, err := learn.Evaluate(set, in)
			if err != nil {
				return hint.Wrap(fmt.Errorf("%s: %w", labels, err), hint.Of(err))
			}
			if f.json {
				return writeJSON(cmd.OutOrStdout(), result)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), result.String())
			return err
		},
	}
	cmd.Flags().StringVar(&labels, "labels", "", "records with labels")
	cmd.Flags().StringVar(&file, "rules", "", "measure the rules of `FILE` (as export writes them), not those in force")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *allowFlags) measured(cmd *cobra.Command, file string) ([]access.Rule, error) {
	if file != "" {
		return readRules(cmd, file)
	}
	return f.rules(cmd)
}
