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
		Short: "Propose rules from recorded calls (mcpbox mcp --audit)",
		Long: `Proposes rules for tools and their arguments from recorded calls, with the
reasons for each rule. Nothing is applied without --apply. --json prints the allowlist with
the proposals in it: give it to allow evaluate --rules or to allow import.`,
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
					fmt.Fprintln(cmd.OutOrStdout(), "not applied: use --apply to apply")
				}
				return nil
			}
			// The rules may have changed meanwhile: propose again for those that are in force now.
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
	fl.BoolVar(&o.Replace, "replace", false, "propose rules for arguments that have a rule already")
	fl.IntVar(&o.MinCalls, "min-calls", 5,
		"how many calls a tool needs before a rule is proposed for it")
	fl.IntVar(&o.MinSamples, "min-samples", 20,
		"how many calls are needed before rules for arguments are proposed")
	cmd.MarkFlagsMutuallyExclusive("apply", "json")
	return cmd
}

func readAudit(cmd *cobra.Command, names []string) (out []audit.Record, err error) {
	for _, name := range names {
		in, err := openInput(cmd, name)
		if err != nil {
			return nil, hint.Wrap(err, "name a file that mcpbox mcp --audit wrote, or - for "+
				"standard input")
		}
		records, bad, err := learn.ReadRecords(in)
		in.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(bad) > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: %s: skipped %s; line %d: %s\n", name,
				plural.Of(len(bad), "line"), bad[0].Line, safetext.Clean(bad[0].Why, 200))
		}
		if len(records) == 0 {
			return nil, hint.Errorf("give it a file that mcpbox mcp --audit wrote",
				"%s: no records in it", name)
		}
		out = append(out, records...)
	}
	return out, nil
}

func (f *allowFlags) evaluate() *cobra.Command {
	var labels, file string
	cmd := &cobra.Command{
		Use:   "evaluate --labels FILE",
		Short: "Measure the rules against labelled records",
		Long: `Measures the rules against records that a person has labelled. The file has
one JSON object a line, as mcpbox mcp --audit writes them, with "label": "benign" or
"label": "malicious". A malicious call that is refused counts as a true positive; a benign
call that is refused counts as a false positive.`,
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
				return hint.Errorf("mcpbox allow evaluate --labels FILE",
					"no labelled records given")
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
	cmd.Flags().StringVar(&labels, "labels", "",
		"the `FILE` of labelled records, or - for standard input")
	cmd.Flags().StringVar(&file, "rules", "",
		"measure the rules of `FILE` (written by export) instead of those in force")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *allowFlags) measured(cmd *cobra.Command, file string) ([]access.Rule, error) {
	if file != "" {
		return readRules(cmd, file)
	}
	return f.rules(cmd)
}
