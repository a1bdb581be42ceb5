package osv

import (
	"encoding/json"
	"strings"

	"deps.dev/util/semver"
)

// Entry is what is known of some versions of one package.
type Entry struct {
	Key      string   `json:"-"` // ecosystem/name
	ID       string   `json:"id"`
	Severity string   `json:"s,omitempty"` // low, moderate, high, critical; "": not said
	Summary  string   `json:"t,omitempty"`
	Versions []string `json:"v,omitempty"`
	Ranges   []Range  `json:"r,omitempty"`
}

// Range is [Introduced, Fixed) or [Introduced, Last]. An Introduced of 0 is the first version.
type Range struct {
	Introduced string `json:"i"`
	Fixed      string `json:"f,omitempty"`
	Last       string `json:"l,omitempty"`
}

// Malicious reports an entry about a package that was made to do harm.
func (e *Entry) Malicious() bool { return strings.HasPrefix(e.ID, "MAL-") }

// All reports an entry that is about every version there is.
func (e *Entry) All() bool {
	for _, r := range e.Ranges {
		if r.Introduced == "0" && r.Fixed == "" && r.Last == "" {
			return true
		}
	}
	return false
}

// Covers reports that the entry is about a version. One that can't be read is covered by each
// range.
func (e *Entry) Covers(version string) bool {
	system := semver.NPM
	if strings.HasPrefix(e.Key, "pypi/") {
		system = semver.PyPI
	}
	for _, v := range e.Versions {
		if v == version || system.Compare(v, version) == 0 && valid(system, v, version) {
			return true
		}
	}
	for _, r := range e.Ranges {
		if !valid(system, version) || r.covers(system, version) {
			return true
		}
	}
	return false
}

func valid(system semver.System, versions ...string) bool {
	for _, v := range versions {
		if _, err := system.Parse(v); err != nil {
			return false
		}
	}
	return true
}

func (r Range) covers(system semver.System, version string) bool {
	return (r.Introduced == "0" || system.Compare(version, r.Introduced) >= 0) &&
		(r.Fixed == "" || system.Compare(version, r.Fixed) < 0) &&
		(r.Last == "" || system.Compare(version, r.Last) <= 0)
}

// record is a file of OSV.
type record struct {
	ID        string
	Summary   string
	Details   string
	Withdrawn string
	Database  struct {
		Severity string
	} `json:"database_specific"`
	Affected []struct {
		Package struct{ Ecosystem, Name string }
		Ranges  []struct {
			Type   string
			Events []map[string]string
		}
		Versions []string
	}
}

// parse reads one record. ecosystems are "npm" and "pypi".
func parse(data []byte, key func(ecosystem, name string) string) (out []Entry, err error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	if r.Withdrawn != "" || r.ID == "" {
		return nil, nil
	}
	for _, a := range r.Affected {
		k := key(a.Package.Ecosystem, a.Package.Name)
		if k == "" {
			continue
		}
		e := Entry{Key: k, ID: r.ID, Severity: strings.ToLower(r.Database.Severity),
			Summary: cut(r.Summary, 200), Versions: a.Versions}
		for _, span := range a.Ranges {
			if span.Type == "GIT" {
				continue
			}
			e.Ranges = append(e.Ranges, ranges(span.Events)...)
		}
		out = append(out, e)
	}
	return out, nil
}

// ranges reads events: each introduced begins a range, and what follows ends it.
func ranges(events []map[string]string) (out []Range) {
	for _, event := range events {
		last := len(out) - 1
		if v, ok := event["introduced"]; ok {
			out = append(out, Range{Introduced: v})
		} else if last < 0 {
			continue
		} else if v, ok := event["fixed"]; ok {
			out[last].Fixed = v
		} else if v, ok := event["last_affected"]; ok {
			out[last].Last = v
		}
	}
	return out
}

func cut(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
