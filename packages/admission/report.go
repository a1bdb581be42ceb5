package admission

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// Report is what is known of an installed package.
type Report struct {
	Package   string           `json:"package"`
	Ecosystem runner.Ecosystem `json:"ecosystem"`
	Integrity string           `json:"integrity"`
	Verdict   audit.Verdict    `json:"verdict"` // trusted, quarantined, denied
	Reason    string           `json:"reason"`
	Decided   bool             `json:"decided"` // by somebody, not by the audit
	Findings  []audit.Finding  `json:"findings"`
	Tools     []string         `json:"tools,omitempty"` // that a trial start listed

	spec string // for a decision that replaces the one that was found
}

// Report judges a package by a policy.
func (d *Desk) Report(ctx context.Context, p *packages.Package, rules policies.Packages) (*Report,
	error) {
	r := &Report{Package: p.String(), Ecosystem: p.Ecosystem, Integrity: p.Integrity,
		Findings: []audit.Finding{}, Tools: slices.Sorted(maps.Keys(p.Tools)),
		spec: string(p.Ecosystem) + ":" + p.String()}
	decided, err := d.decided(ctx, p)
	if err != nil {
		return nil, err
	}
	found, err := d.Packages.Audit(p, packages.Rules{MinAge: time.Duration(rules.MinAge),
		Signed: rules.Signatures == policies.PackageSignaturesRequired}, time.Now())
	if err != nil {
		return nil, err
	}
	r.Findings = append(r.Findings, found...)
	part, denied, err := d.deniedPart(ctx, p)
	if err != nil {
		return nil, err
	}
	if part != nil && (decided == nil || decided.Verdict != audit.Denied) {
		r.Verdict, r.Decided, r.spec = audit.Denied, true, denied.Spec()
		r.Reason = "it needs " + part.Name + "@" + part.Version + ": " +
			cmp.Or(safetext.Clean(denied.Reason, 200), "no reason given")
		return r, nil
	}
	if decided != nil {
		r.Verdict, r.Decided, r.spec = decided.Verdict, true, decided.Spec()
		if decided.Ecosystem != "" {
			r.spec = string(decided.Ecosystem) + ":" + r.spec
		}
		r.Reason = cmp.Or(safetext.Clean(decided.Reason, 200), "no reason given")
		return r, nil
	}
	r.judge(rules.Require)
	return r, nil
}

// judge is the verdict where nobody decided.
func (r *Report) judge(require policies.PackageRequire) {
	found := audit.Judge(r.Findings)
	switch {
	case found == audit.Denied:
		r.Verdict, r.Reason = found, reason(audit.Worst(r.Findings, audit.Critical))
	case require == policies.PackageAny:
		r.Verdict, r.Reason = audit.Trusted, "the policy asks for nothing"
	case found == audit.Quarantined:
		r.Verdict, r.Reason = found, reason(audit.Worst(r.Findings, audit.High))
	case require == policies.PackageTrusted:
		r.Verdict, r.Reason = audit.Quarantined, "the policy asks for a decision to trust it"
	default:
		r.Verdict, r.Reason = audit.Trusted, "the audit found nothing of severity high"
	}
}

func reason(f *audit.Finding) string {
	if f.Evidence == "" {
		return f.What
	}
	return f.What + " (" + safetext.Clean(f.Evidence, 120) + ")"
}
