package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/seccomp"
)

// checked is what `mcpbox policy check --json` says of one file.
type checked struct {
	File     string             `json:"file"`
	OK       bool               `json:"ok"`
	Problems []policies.Problem `json:"problems"`
}

func newPolicyCheckCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE…",
		Short: "Check policy files: keys, values, system calls, rules",
		Args:  arguments(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []checked
			bad := 0
			for _, arg := range args {
				err := checkPolicy(arg)
				all = append(all, checked{arg, err == nil, problemsIn(err)})
				if err != nil {
					bad++
				}
				switch {
				case asJSON:
				case err != nil:
					printProblems(cmd.ErrOrStderr(), err)
				default:
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", arg)
					if err != nil {
						return err
					}
				}
			}
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), all); err != nil {
					return err
				}
			}
			if bad > 0 {
				return exitError(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func checkPolicy(nameOrFile string) error {
	p, index, err := policies.ResolveIndexed(nameOrFile)
	if err != nil {
		return err
	}
	for _, check := range []func(*policies.Policy, *policies.Index) error{checkSyscalls,
		checkRules} {
		if err := check(p, index); err != nil {
			var placed *policies.Error
			if errors.As(err, &placed) {
				return err
			}
			return hint.Wrap(fmt.Errorf("%s: %w", nameOrFile, err), hint.Of(err))
		}
	}
	return nil
}

// checkSyscalls compiles the filter, which knows which names there are. An entry that makes it
// fail is looked for among those that the files have.
func checkSyscalls(p *policies.Policy, index *policies.Index) error {
	if p.Isolation == policies.IsolationNone {
		return nil
	}
	_, err := seccomp.Compile(p.Syscalls)
	if err == nil {
		return nil
	}
	for _, list := range []struct {
		name  string
		rules []policies.SyscallRule
		one   func(policies.SyscallRule) policies.Syscalls
	}{
		{"syscalls.allow", p.Syscalls.Allow, func(r policies.SyscallRule) policies.Syscalls {
			return policies.Syscalls{Default: policies.DefaultDeny,
				Allow: []policies.SyscallRule{r}}
		}},
		{"syscalls.deny", p.Syscalls.Deny, func(r policies.SyscallRule) policies.Syscalls {
			return policies.Syscalls{Default: policies.DefaultAllow,
				Deny: []policies.SyscallRule{r}}
		}},
	} {
		for i, r := range list.rules {
			at := fmt.Sprintf("%s[%d]", list.name, i)
			if !index.Has(at) {
				continue
			}
			if _, fault := seccomp.Compile(list.one(r)); fault != nil {
				return index.Fault(at, fault)
			}
		}
	}
	return err
}

// checkRules compiles the rules' conditions, each by itself to find its place.
func checkRules(p *policies.Policy, index *policies.Index) error {
	for i, r := range p.Rules {
		if err := monitor.CheckRules([]policies.Rule{r}); err != nil {
			at := fmt.Sprintf("rules[%d]", i)
			if when := at + ".when"; index.Has(when) {
				at = when
			}
			return index.Fault(at, err)
		}
	}
	return monitor.CheckRules(p.Rules)
}

// problemsIn are those of an error, as data.
func problemsIn(err error) []policies.Problem {
	var list *policies.Error
	switch {
	case err == nil:
		return []policies.Problem{}
	case errors.As(err, &list):
		return list.Problems
	}
	return []policies.Problem{{Message: err.Error(), Hint: hint.Of(err)}}
}

// printProblems shows every problem with its place in the file.
func printProblems(w io.Writer, err error) {
	inFile := false
	for _, p := range problemsIn(err) {
		fmt.Fprintf(w, "mcpbox: %s\n%s", p, p.Excerpt)
		if p.Hint != "" {
			fmt.Fprintf(w, "mcpbox: hint: %s\n", p.Hint)
		}
		inFile = inFile || p.Line > 0
	}
	if inFile {
		fmt.Fprintf(w, "mcpbox: every key: %s\n", policies.ReferenceURL)
	}
}
