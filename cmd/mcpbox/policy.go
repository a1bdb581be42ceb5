package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/explain"
	"github.com/mcpbox/mcpbox/seccomp"
)

func newPolicyCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "List, show, check, explain and compare policies",
		Long:  "A policy says what a tool may do. It is a preset (see mcpbox policy list) or a YAML or JSON file.",
		Args:  unknownCommand,
		RunE: func(*cobra.Command, []string) error {
			return hint.Errorf("see mcpbox policy --help", "policy: name one of list, show, check, explain, diff")
		},
	}
	cmd.AddCommand(newPolicyListCmd(), newPolicyShowCmd(), newPolicyCheckCmd(), newPolicyExplainCmd(), newPolicyDiffCmd())
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
				fmt.Fprintf(cmd.OutOrStdout(), "%-13s %s\n", e.Name, e.Description)
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

func newPolicyCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE…",
		Short: "Check policy files: keys, values, system calls, rules",
		Args:  arguments(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			bad := 0
			for _, arg := range args {
				if err := checkPolicy(arg); err != nil {
					bad++
					printProblems(cmd.ErrOrStderr(), err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", arg)
			}
			if bad > 0 {
				return exitError(1)
			}
			return nil
		},
	}
}

func checkPolicy(nameOrFile string) error {
	p, err := policies.Resolve(nameOrFile)
	if err != nil {
		return err
	}
	for _, check := range []func(*policies.Policy) error{checkSyscalls, checkRules} {
		if err := check(p); err != nil {
			return hint.Wrap(fmt.Errorf("%s: %w", nameOrFile, err), hint.Of(err))
		}
	}
	return nil
}

// checkSyscalls compiles the filter, which knows which names there are.
func checkSyscalls(p *policies.Policy) error {
	if p.Isolation == policies.IsolationNone {
		return nil
	}
	_, err := seccomp.Compile(p.Syscalls)
	return err
}

// checkRules compiles the rules' conditions.
func checkRules(p *policies.Policy) error { return monitor.CheckRules(p.Rules) }

// printProblems shows every problem with its place in the file.
func printProblems(w io.Writer, err error) {
	var list *policies.Error
	if errors.As(err, &list) {
		for _, p := range list.Problems {
			fmt.Fprintf(w, "mcpbox: %s\n%s", p, p.Excerpt)
			if p.Hint != "" {
				fmt.Fprintf(w, "mcpbox: hint: %s\n", p.Hint)
			}
		}
		return
	}
	fmt.Fprintf(w, "mcpbox: %v\n", err)
	if h := hint.Of(err); h != "" {
		fmt.Fprintf(w, "mcpbox: hint: %s\n", h)
	}
}

func newPolicyExplainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain NAME|FILE",
		Short: "Explain in words what a policy allows and forbids",
		Args:  arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := policies.Resolve(args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), explain.Policy(p))
			return err
		},
	}
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
