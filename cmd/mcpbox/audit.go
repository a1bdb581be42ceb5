package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/store"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/audit"
)

// Decisions about packages are rules of the allowlist's kind, in a store of their own: a rule that
// allows one package must not refuse the servers that are no package. A quarantine denies, and its
// note says what it is.
const quarantineNote = "quarantine"

func decisions(create bool) (*store.Store, error) {
	dir, err := packages.DefaultDir()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(filepath.Dir(dir), "packages.db")
	if create {
		return store.Open(file)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return store.OpenExisting(file)
}

// decided finds what was decided about a package; deny wins, then quarantine. "" is nothing.
func decided(ctx context.Context, p *packages.Package) (verdict string, rule access.Rule,
	err error) {
	s, err := decisions(false)
	if err != nil || s == nil {
		return "", rule, err
	}
	defer s.Close()
	rules, _, err := s.Rules(ctx)
	if err != nil {
		return "", rule, err
	}
	for _, r := range rules {
		if !ruleMeets(r, p) {
			continue
		}
		switch quarantined := strings.HasPrefix(r.Note, quarantineNote); {
		case r.Effect == access.Deny && !quarantined:
			return "denied", r, nil
		case r.Effect == access.Deny:
			verdict, rule = "quarantined", r
			rule.Note = strings.TrimPrefix(r.Note, quarantineNote+": ")
		case verdict == "":
			verdict, rule = "trusted", r
		}
	}
	return verdict, rule, nil
}

// ruleMeets reports a rule about the package. A version that can't be read meets what denies.
func ruleMeets(r access.Rule, p *packages.Package) bool {
	name, versions := r.Match, ""
	if at := strings.LastIndexByte(r.Match, '@'); at > 0 {
		name, versions = r.Match[:at], r.Match[at+1:]
	}
	if r.Layer != access.LayerPackage || name != p.Name {
		return false
	}
	if versions == "" {
		return true
	}
	span, err := semver.ParseRange(versions)
	version, err2 := semver.Parse(p.Version)
	if err != nil || err2 != nil {
		return r.Effect == access.Deny
	}
	return span.Contains(version)
}

// mayStart refuses a package that is denied, or quarantined and not trusted.
func mayStart(ctx context.Context, p *packages.Package) error {
	verdict, rule, err := decided(ctx, p)
	if err != nil {
		return err
	}
	why := cmp.Or(safetext.Clean(rule.Note, 200), "no reason given")
	spec := cmp.Or(rule.Match, p.String()) // a trust of the same words replaces the rule
	switch verdict {
	case "trusted":
		return nil
	case "denied":
		return hint.Errorf("mcpbox trust "+spec+" --reason …", "%s is denied: %s", p, why)
	case "":
		found := p.Audit(time.Now())
		if audit.Judge(found) == audit.Audited {
			return nil
		}
		i := slices.IndexFunc(found, func(f audit.Finding) bool { return f.Severity == audit.High })
		why = found[i].What
	}
	return hint.Errorf("mcpbox audit "+p.String()+" shows why; mcpbox trust "+spec+
		" --reason … lets it run", "%s is quarantined: %s", p, why)
}

// auditReport is what mcpbox audit --json prints.
type auditReport struct {
	Package   string          `json:"package"`
	Integrity string          `json:"integrity"`
	Verdict   string          `json:"verdict"` // audited, trusted, quarantined, denied
	Reason    string          `json:"reason,omitempty"`
	Findings  []audit.Finding `json:"findings"`
}

func newAuditCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit NAME[@VERSION]",
		Short: "Show what was noticed about an installed package (exit code 1: it may not run)",
		Args:  arguments(1, 1),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each version")
	refused := false
	each := eachPackage(func(cmd *cobra.Command, _ *packages.Store, p *packages.Package) error {
		verdict, rule, err := decided(cmd.Context(), p)
		if err != nil {
			return err
		}
		r := auditReport{Package: p.String(), Integrity: p.Integrity, Reason: rule.Note, Verdict: verdict,
			Findings: append([]audit.Finding{}, p.Audit(time.Now())...)}
		if verdict == "" {
			r.Verdict = string(audit.Judge(r.Findings))
		}
		refused = refused || r.Verdict == "denied" || r.Verdict == "quarantined"
		if asJSON {
			return writeJSON(cmd.OutOrStdout(), r)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", r.Package, r.Verdict)
		for _, f := range r.Findings {
			fmt.Fprintf(cmd.OutOrStdout(), "  %-6s  %s  %s\n", f.Severity, f.What,
				safetext.Clean(f.Evidence, 200))
		}
		return nil
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := each(cmd, args); err != nil {
			return err
		}
		if refused {
			return exitError(1)
		}
		return nil
	}
	return cmd
}

func newTrustCmd() *cobra.Command {
	return newDecisionCmd("trust", "Let a package run, whatever the audit finds", access.Allow, "")
}

func newDenyCmd() *cobra.Command {
	return newDecisionCmd("deny", "Do not let a package run", access.Deny, "")
}

func newQuarantineCmd() *cobra.Command {
	return newDecisionCmd("quarantine", "Do not let a package run until it is trusted", access.Deny,
		quarantineNote+": ")
}

// newDecisionCmd is a command that writes one rule, with its author and time.
func newDecisionCmd(word, short string, effect access.Effect, prefix string) *cobra.Command {
	var reason, as string
	cmd := &cobra.Command{
		Use: word + " NAME[@RANGE]", Short: short, Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseSpec(args[0])
			if err != nil {
				return err
			}
			if effect == access.Deny && prefix == "" && strings.HasPrefix(reason, quarantineNote) {
				return hint.Errorf("word it otherwise", "a reason can't begin with %q", quarantineNote)
			}
			rule, err := access.Rule{Layer: access.LayerPackage, Match: r.Spec(), Effect: effect,
				Note: prefix + reason}.Canonical()
			if err != nil {
				return err
			}
			s, err := decisions(true)
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.Update(cmd.Context(), store.CurrentAuthor(as), word, false,
				func(now []access.Rule) ([]access.Rule, error) {
					now = slices.DeleteFunc(now, func(o access.Rule) bool { return o.ID() == rule.ID() })
					return append(now, rule), nil
				})
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is shown when the package is refused")
	cmd.Flags().StringVar(&as, "as", "", "on whose behalf: `NAME` is recorded beside your account")
	return cmd
}
