package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/store"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/policies"
)

func newAuditCmd() *cobra.Command {
	var f sandboxFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit [npm:|pypi:]NAME[@VERSION]",
		Short: "Show the findings about a package (exit code 1: it is quarantined or denied)",
		Long: `Shows the findings about an installed package, and the verdict: trusted,
quarantined or denied. A package that is not installed is installed first: in a sandbox,
without running its scripts.`,
		Example: `  mcpbox audit @modelcontextprotocol/server-memory
  mcpbox audit pypi:mcp-server-git --json
  mcpbox audit db update`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := policies.Resolve(f.policy)
			if err != nil {
				return err
			}
			desk, err := admission.Open()
			if err != nil {
				return err
			}
			named, err := installedOrNew(cmd.Context(), desk, args[0], f.installOptions())
			if err != nil {
				return err
			}
			refused := false
			for _, pkg := range named {
				r, err := desk.Report(cmd.Context(), pkg, p.Packages)
				if err != nil {
					return err
				}
				refused = refused || r.Verdict != audit.Trusted
				if asJSON {
					err = writeJSON(cmd.OutOrStdout(), r)
				} else {
					printAudit(cmd.OutOrStdout(), r)
				}
				if err != nil {
					return err
				}
			}
			if refused {
				return exitError(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each version")
	cmd.Flags().StringVarP(&f.policy, "policy", "p", "standard",
		"`NAME|FILE`: the policy whose rules for packages apply")
	cmd.AddCommand(newAuditDBCmd())
	return cmd
}

// installedOrNew finds the installed versions of a package. If there is none, it installs one.
func installedOrNew(ctx context.Context, desk *admission.Desk, spec string, o packages.Options) (
	[]*packages.Package, error) {
	if named, err := desk.Packages.Named(spec); err == nil {
		return named, nil
	}
	r, err := parseSpec(spec)
	if err != nil {
		return nil, err
	}
	p, err := desk.Install(ctx, r, o)
	return []*packages.Package{p}, err
}

func printAudit(w io.Writer, r *admission.Report) {
	fmt.Fprintf(w, "%s: %s: %s\n", r.Package, r.Verdict, safetext.Clean(r.Reason, 300))
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %-8s  %-11s  %s", f.Severity, f.ID, f.What)
		if f.Evidence != "" {
			fmt.Fprintf(w, ": %s", safetext.Clean(f.Evidence, 200))
		}
		fmt.Fprintln(w)
	}
}

func newTrustCmd() *cobra.Command {
	return newDecisionCmd("trust", "Let a package run as the policy says, whatever the audit finds",
		`Lets a package run as the policy says, whatever the audit finds. Its install scripts
run too, when it is installed: in the sandbox of the install, which reaches the registry.`,
		audit.Trusted)
}

func newDenyCmd() *cobra.Command {
	return newDecisionCmd("deny", "Do not let a package run", "", audit.Denied)
}

func newQuarantineCmd() *cobra.Command {
	return newDecisionCmd("quarantine",
		"Let a package run without a network and a workspace only, and offer no tools", "",
		audit.Quarantined)
}

// newDecisionCmd is a command that records one decision, with its author and time.
func newDecisionCmd(word, short, long string, verdict audit.Verdict) *cobra.Command {
	var d admission.Decision
	var as string
	cmd := &cobra.Command{
		Use: word + " [npm:|pypi:]NAME[@RANGE]", Short: short, Long: long, Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseSpec(args[0])
			if err != nil {
				return err
			}
			d.Verdict, d.Name, d.Range = verdict, r.Name, r.Range
			if hasEcosystem(args[0]) {
				d.Ecosystem = r.Ecosystem
			}
			desk, err := admission.Open()
			if err != nil {
				return err
			}
			if err := desk.Decide(cmd.Context(), store.CurrentAuthor(as), d); err != nil {
				return err
			}
			return confirmDecision(cmd, desk, &d)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&d.Reason, "reason", "", "why; it is shown when the package is started")
	fl.StringVar(&as, "as", "", "on whose behalf: `NAME` is recorded beside your account")
	if verdict == audit.Trusted {
		fl.StringVar(&d.Integrity, "integrity", "",
			"only the archive with this integrity, as mcpbox packages show prints it")
		fl.StringVar(&d.Publisher, "publisher", "", "only if `NAME` is one of its maintainers")
	}
	return cmd
}

// confirmDecision says what holds now. A name that no package has yet may be a typing error.
func confirmDecision(cmd *cobra.Command, desk *admission.Desk, d *admission.Decision) error {
	all, err := desk.Packages.List()
	if err != nil {
		return err
	}
	note := " (not installed)"
	if slices.ContainsFunc(all, func(p *packages.Package) bool {
		return p.Name == d.Name && (d.Ecosystem == "" || d.Ecosystem == p.Ecosystem)
	}) {
		note = ""
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s%s\n", d.Spec(), d.Verdict, note)
	return err
}
