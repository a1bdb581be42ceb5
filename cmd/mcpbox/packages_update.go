package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/policies"
)

func newUpdateCmd() *cobra.Command {
	var f sandboxFlags
	var check bool
	cmd := &cobra.Command{
		Use:   "update [[npm:|pypi:]NAME]",
		Short: "Ask the registry for newer versions, show what changes, and use them",
		Long: `Asks the registry what the names, ranges and tags mean now that packages were
installed by. It shows what changes: versions, install scripts, tools, abilities,
maintainers. A new version is audited; the old one stays in use if the new one would be
quarantined or denied. A version that the registry has withdrawn does not start any more.`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules, err := policies.Resolve(f.policy)
			if err != nil {
				return err
			}
			desk, err := admission.Open()
			if err != nil {
				return err
			}
			all, err := desk.Packages.Updatable(cmp.Or(append(args, "")...))
			if err != nil {
				return err
			}
			held := false
			for _, p := range slices.SortedFunc(maps.Keys(all), func(a, b *packages.Package) int {
				return cmp.Compare(a.Folder, b.Folder)
			}) {
				for _, r := range all[p] {
					u, err := desk.Update(cmd.Context(), p, r, admission.UpdateOptions{
						Install: f.installOptions(), Rules: rules.Packages, Check: check})
					if err != nil {
						return err
					}
					held = held || u.Held()
					printUpdate(cmd, r.Spec(), u, check)
				}
			}
			if held {
				return exitError(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only show what would change")
	cmd.Flags().StringVarP(&f.policy, "policy", "p", "standard",
		"`NAME|FILE`: the policy whose rules for packages apply")
	cmd.Flags().BoolVar(&f.bestEffort, "best-effort", false,
		"update even if the host lacks a required layer")
	return cmd
}

func printUpdate(cmd *cobra.Command, asked string, u *admission.Update, check bool) {
	w := cmd.OutOrStdout()
	if u.Old.Withdrawn != "" {
		fmt.Fprintf(w, "%s: the registry has withdrawn it: %s\n", u.Old,
			safetext.Clean(u.Old.Withdrawn, 200))
	}
	switch {
	case u.New.Folder == u.Old.Folder:
		fmt.Fprintf(w, "%s: %s is the newest\n", asked, u.Old)
		return
	case u.Report.Verdict != audit.Trusted:
		fmt.Fprintf(w, "%s: %s stays; %s is %s: %s\n", asked, u.Old, u.New, u.Report.Verdict,
			safetext.Clean(u.Report.Reason, 200))
	case check:
		fmt.Fprintf(w, "%s: %s could become %s\n", asked, u.Old, u.New)
	default:
		fmt.Fprintf(w, "%s: %s became %s\n", asked, u.Old, u.New)
	}
	for _, line := range u.Changes {
		fmt.Fprintf(w, "  %s\n", safetext.Clean(line, 200))
	}
}
