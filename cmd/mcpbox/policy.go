package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/explain"
)

func newPolicyCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "List, show, check, explain, compare and create policies",
		Long: `A policy says what a tool may do. It is a preset (see mcpbox policy list) or a YAML
or JSON file.`,
		Args: unknownCommand,
		RunE: func(*cobra.Command, []string) error {
			return hint.Errorf("see mcpbox policy --help",
				"policy: name one of list, show, check, explain, diff, init")
		},
	}
	cmd.AddCommand(newPolicyListCmd(), newPolicyShowCmd(), newPolicyCheckCmd(),
		newPolicyExplainCmd(), newPolicyDiffCmd(), newPolicyInitCmd())
	return cmd
}

func newPolicyListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the presets, the most permissive first, and the tiers of mcpbox code",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			type entry struct {
				Name        string `json:"name"`
				Description string `json:"description"`
			}
			var entries []entry
			for _, name := range policies.BuiltinNames() {
				p, err := policies.Preset(name)
				if err != nil {
					return err
				}
				entries = append(entries, entry{p.Name, p.Description})
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), entries)
			}
			for _, e := range entries {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%-13s %s\n", e.Name, e.Description)
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newPolicyShowCmd() *cobra.Command {
	var asJSON, resolved bool
	cmd := &cobra.Command{
		Use:   "show NAME|FILE",
		Short: "Print a policy as written, or with what it inherits",
		Args:  arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := policies.Resolve(args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch {
			case asJSON:
				return printJSON(out, p)
			case resolved:
				_, err = out.Write(p.YAML())
				return err
			}
			source, err := policySource(args[0])
			if err != nil {
				return err
			}
			_, err = out.Write(source)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, resolved")
	cmd.Flags().BoolVar(&resolved, "resolved", false, "with everything that the policy extends")
	return cmd
}

func policySource(nameOrFile string) ([]byte, error) {
	if slices.Contains(policies.BuiltinNames(), nameOrFile) {
		return policies.PresetSource(nameOrFile)
	}
	return os.ReadFile(nameOrFile)
}

func newPolicyExplainCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain NAME|FILE",
		Short: "Explain in words what a policy allows and forbids",
		Args:  arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := policies.Resolve(args[0])
			if err != nil {
				return err
			}
			text := explain.Policy(p)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), struct {
					Policy      string           `json:"policy"`
					Explanation []string         `json:"explanation"`
					Resolved    *policies.Policy `json:"resolved"`
				}{p.Name, strings.Split(strings.TrimRight(text, "\n"), "\n"), p})
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newPolicyDiffCmd() *cobra.Command {
	var asJSON, exitCode bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two policies, each a preset or a file",
		Args:  arguments(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := policies.Resolve(args[0])
			if err != nil {
				return err
			}
			b, err := policies.Resolve(args[1])
			if err != nil {
				return err
			}
			changes := policies.Diff(a, b)
			if asJSON {
				if changes == nil {
					changes = []policies.Change{}
				}
				err = printJSON(cmd.OutOrStdout(), changes)
			} else {
				var text strings.Builder
				for _, c := range changes {
					text.WriteString(c.String() + "\n")
				}
				_, err = io.WriteString(cmd.OutOrStdout(), text.String())
			}
			if err == nil && exitCode && len(changes) > 0 {
				err = exitError(1)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 if the policies differ")
	return cmd
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
