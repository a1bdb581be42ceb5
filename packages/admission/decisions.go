package admission

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/store"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Desk has the store of packages, and the decisions about them.
type Desk struct {
	Packages *packages.Store

	file  string // of the decisions
	rules []access.Rule
	read  bool
}

// Open names the store and the decisions of the user. It opens no file.
func Open() (*Desk, error) {
	dir, err := packages.DefaultDir()
	if err != nil {
		return nil, err
	}
	s, err := packages.Open(dir)
	return &Desk{Packages: s, file: filepath.Join(filepath.Dir(dir), "packages.db")}, err
}

// Decision is what somebody decided about a package.
type Decision struct {
	Ecosystem runner.Ecosystem // "" is every one
	Name      string
	Range     string        // of versions; "" is every one
	Integrity string        // of the archive; "" is any
	Publisher string        // one of its maintainers; "" is anybody
	Verdict   audit.Verdict // trusted, quarantined, denied
	Reason    string
}

// Decisions are rules of the allowlist's kind, in a store of their own: a rule that allows one
// package must not refuse servers that are no package. A quarantine denies, and its note says what
// it is. The field for a server has the ecosystem, and what else the package must have.
const quarantineNote = "quarantine"

func (d *Decision) rule() (access.Rule, error) {
	if d.Verdict == audit.Denied && strings.HasPrefix(d.Reason, quarantineNote) {
		return access.Rule{}, hint.Errorf("word it otherwise", "a reason can't begin with %q",
			quarantineNote)
	}
	r := access.Rule{Layer: access.LayerPackage, Effect: access.Deny, Note: d.Reason,
		Server: cmp.Or(string(d.Ecosystem), "*"), Match: d.Name}
	if d.Range != "" {
		r.Match += "@" + strings.TrimPrefix(d.Range, "==")
	}
	if d.Integrity != "" {
		r.Server += " integrity=" + d.Integrity
	}
	if d.Publisher != "" {
		r.Server += " publisher=" + d.Publisher
	}
	switch d.Verdict {
	case audit.Trusted:
		r.Effect = access.Allow
	case audit.Quarantined:
		r.Note = quarantineNote + ": " + d.Reason
	}
	return r.Canonical()
}

// decision reads a rule.
func decision(r access.Rule) Decision {
	d := Decision{Name: r.Match, Reason: r.Note, Verdict: audit.Trusted}
	if at := strings.LastIndexByte(r.Match, '@'); at > 0 {
		d.Name, d.Range = r.Match[:at], r.Match[at+1:]
	}
	scope, publisher, _ := strings.Cut(r.Server, " publisher=")
	scope, d.Integrity, _ = strings.Cut(scope, " integrity=")
	d.Publisher = publisher
	if scope != "*" {
		d.Ecosystem = runner.Ecosystem(scope)
	}
	if r.Effect == access.Deny {
		d.Verdict = audit.Denied
		if reason, ok := strings.CutPrefix(r.Note, quarantineNote); ok {
			d.Verdict, d.Reason = audit.Quarantined, strings.TrimPrefix(reason, ": ")
		}
	}
	return d
}

// Spec is the package and its versions, as commands take them.
func (d *Decision) Spec() string {
	if d.Range == "" {
		return d.Name
	}
	return d.Name + "@" + d.Range
}

// meets reports a decision about a package. A version that is not known, or can't be read, meets
// what denies, and meets what trusts only if every version is trusted.
func (d *Decision) meets(p *packages.Package) bool {
	if d.Name != p.Name || d.Ecosystem != "" && d.Ecosystem != p.Ecosystem {
		return false
	}
	if d.Verdict == audit.Trusted && (d.Integrity != "" && d.Integrity != p.Integrity ||
		d.Publisher != "" && !slices.Contains(p.Maintainers, d.Publisher)) {
		return false
	}
	if d.Range == "" || d.Range == p.Version {
		return true
	}
	if p.Version == "" {
		return false
	}
	span, err := semver.ParseRange(d.Range)
	version, err2 := semver.Parse(p.Version)
	if err != nil || err2 != nil {
		return d.Verdict != audit.Trusted
	}
	return span.Contains(version)
}

// decided finds what was decided about a package; deny wins, then quarantine. nil is nothing.
func (d *Desk) decided(ctx context.Context, p *packages.Package) (*Decision, error) {
	if err := d.load(ctx); err != nil {
		return nil, err
	}
	var found *Decision
	for _, r := range d.rules {
		switch one := decision(r); {
		case !one.meets(p):
		case one.Verdict == audit.Denied:
			return &one, nil
		case one.Verdict == audit.Quarantined || found == nil:
			found = &one
		}
	}
	return found, nil
}

// deniedPart finds a package of the tree that was denied. nil is none.
func (d *Desk) deniedPart(ctx context.Context, p *packages.Package) (*packages.Member, *Decision,
	error) {
	if err := d.load(ctx); err != nil {
		return nil, nil, err
	}
	var denied []Decision
	for _, r := range d.rules {
		if one := decision(r); one.Verdict == audit.Denied {
			denied = append(denied, one)
		}
	}
	if len(denied) == 0 {
		return nil, nil, nil
	}
	members, err := p.Members()
	if err != nil {
		return nil, nil, err
	}
	for _, m := range members {
		for _, one := range denied {
			if m.Name != p.Name && one.meets(&packages.Package{Ecosystem: p.Ecosystem,
				Name: m.Name, Version: m.Version}) {
				return &m, &one, nil
			}
		}
	}
	return nil, nil, nil
}

func (d *Desk) load(ctx context.Context) error {
	if d.read {
		return nil
	}
	if _, err := os.Stat(d.file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s, err := store.OpenExisting(d.file)
	if err != nil {
		return err
	}
	defer s.Close()
	d.rules, _, err = s.Rules(ctx)
	d.read = err == nil
	return err
}

// Decide records a decision, with its author and time. It replaces one about the same versions.
func (d *Desk) Decide(ctx context.Context, by store.Author, decided Decision) error {
	rule, err := decided.rule()
	if err != nil {
		return err
	}
	s, err := store.Open(d.file)
	if err != nil {
		return err
	}
	defer s.Close()
	words := map[audit.Verdict]string{audit.Trusted: "trust", audit.Denied: "deny",
		audit.Quarantined: "quarantine"}
	_, err = s.Update(ctx, by, words[decided.Verdict], false,
		func(now []access.Rule) ([]access.Rule, error) {
			now = slices.DeleteFunc(now, func(o access.Rule) bool { return o.ID() == rule.ID() })
			return append(now, rule), nil
		})
	d.read = false
	return err
}
