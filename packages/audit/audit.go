package audit

import (
	"fmt"
	"slices"
	"time"
)

// Severity of a finding. One that is high quarantines a package.
type Severity string

const (
	Info   Severity = "info"
	Medium Severity = "medium"
	High   Severity = "high"
)

// Finding is one thing that was noticed.
type Finding struct {
	ID       string   `json:"id"` // age, name, script, native, hidden, obfuscated, exec, network
	Severity Severity `json:"severity"`
	What     string   `json:"what"`               // one sentence
	Evidence string   `json:"evidence,omitempty"` // a file of the package, or a name
}

// Verdict of an audit.
type Verdict string

const (
	Audited     Verdict = "audited"     // it may run
	Quarantined Verdict = "quarantined" // not until somebody decides
)

// Judge says what the findings come to.
func Judge(all []Finding) Verdict {
	if slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == High }) {
		return Quarantined
	}
	return Audited
}

// MinimumAge of a version: most malicious versions are found and withdrawn sooner.
const MinimumAge = 3 * 24 * time.Hour

// Age finds a version that is younger than MinimumAge. A zero time is unknown.
func Age(published, now time.Time) []Finding {
	switch age := now.Sub(published); {
	case published.IsZero():
		return []Finding{{"age", Info, "the registry does not say when the version was published", ""}}
	case age < MinimumAge:
		return []Finding{{"age", High, fmt.Sprintf(
			"the version was published %s ago, which is less than 3 days",
			max(age, 0).Round(time.Minute)), published.UTC().Format(time.RFC3339)}}
	}
	return nil
}
