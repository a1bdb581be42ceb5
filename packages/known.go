package packages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/osv"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Known is the file of the database of known-malicious and vulnerable versions.
func (s *Store) Known() string { return filepath.Join(s.dir, "known.osv") }

// knownOf is what the database says of a package. main: it is the one that was asked for.
func (s *Store) knownOf(e runner.Ecosystem, m Member, main bool) ([]audit.Finding, error) {
	return s.known(e, []Member{m}, func(Member) bool { return main })
}

func (s *Store) known(e runner.Ecosystem, members []Member, main func(Member) bool) (
	found []audit.Finding, err error) {
	db, err := osv.Open(s.Known())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var below []string // vulnerable packages that others need
	for _, m := range members {
		entries, err := db.Find(string(e), m.Name, m.Version)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			spec := strings.TrimSuffix(m.Name+"@"+m.Version, "@")
			severe := entry.Severity == "high" || entry.Severity == "critical"
			switch {
			case entry.Malicious():
				found = append(found, audit.Finding{ID: "malicious", Severity: audit.Critical,
					What: "it is known to be malicious", Evidence: spec + " " + entry.ID})
			case main(m) && severe:
				found = append(found, audit.Finding{ID: "vulnerable", Severity: audit.High,
					What:     "it has a known vulnerability of severity " + entry.Severity,
					Evidence: entry.ID + " " + entry.Summary})
			case main(m):
				found = append(found, audit.Finding{ID: "vulnerable", Severity: audit.Medium,
					What: "it has a known vulnerability", Evidence: entry.ID + " " + entry.Summary})
			default:
				below = append(below, spec+" "+entry.ID)
			}
		}
	}
	if len(below) > 0 {
		found = append(found, audit.Finding{ID: "vulnerable", Severity: audit.Medium,
			What: fmt.Sprintf("packages that it needs have %d known vulnerabilities",
				len(below)),
			Evidence: strings.Join(below[:min(len(below), 8)], ", ")})
	}
	return found, nil
}

// answer is what the database said of a package, kept because a tree has hundreds of members.
type answer struct {
	Time     time.Time       `json:"time"` // of the database
	Size     int64           `json:"size"`
	Findings []audit.Finding `json:"findings"`
}

// asked is what the database, as it is now, says of a package and all that it needs.
func (s *Store) asked(p *Package, db fs.FileInfo) ([]audit.Finding, error) {
	file := filepath.Join(p.Folder, "known.json")
	var kept answer
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &kept) == nil &&
		kept.Time.Equal(db.ModTime()) && kept.Size == db.Size() {
		return kept.Findings, nil
	}
	members, err := p.Members()
	if err != nil {
		return nil, err
	}
	found, err := s.known(p.Ecosystem, members, func(m Member) bool { return m.Name == p.Name })
	if err == nil {
		_ = writeFile(file, answer{db.ModTime(), db.Size(), found}) // else it is asked again
	}
	return found, err
}

// Rules are what an audit is held to.
type Rules struct {
	MinAge time.Duration // of a version; 0: the default, negative: none
	// Signed: signatures that are missing are high findings, also if the registry signs nothing.
	Signed bool
}

// Audit is what is to be said of a package now.
func (s *Store) Audit(p *Package, rules Rules, now time.Time) ([]audit.Finding, error) {
	found := audit.Age(p.Published, now, rules.MinAge)
	switch info, err := os.Stat(s.Known()); {
	case err == nil:
		known, err := s.asked(p, info)
		if err != nil {
			return nil, err
		}
		found = append(found, known...)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		found = append(found, audit.Finding{ID: "database", Severity: audit.Info,
			What: "no database of known-malicious versions: mcpbox audit db update"})
	}
	found = append(found, p.Findings...)
	if p.Withdrawn != "" {
		found = append(found, audit.Finding{ID: "withdrawn", Severity: audit.Critical,
			What: "the registry has withdrawn the version", Evidence: p.Withdrawn})
	}
	for i := range found {
		if f := &found[i]; rules.Signed && f.ID == "signature" && f.Severity != audit.Critical {
			f.Severity = audit.High
		}
	}
	order := []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Info}
	slices.SortStableFunc(found, func(a, b audit.Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	return found, nil
}
