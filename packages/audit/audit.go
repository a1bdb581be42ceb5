package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity of a finding. One that is high quarantines a package, one that is critical denies it.
type Severity string

const (
	Info     Severity = "info"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Finding is one thing that was noticed.
type Finding struct {
	ID       string   `json:"id"` // such as age, name, signature: docs/PACKAGES.md lists them
	Severity Severity `json:"severity"`
	What     string   `json:"what"`               // one sentence
	Evidence string   `json:"evidence,omitempty"` // a file of the package, or a name
}

// Verdict of an audit.
type Verdict string

const (
	Audited     Verdict = "audited"     // it may run as the policy says
	Trusted     Verdict = "trusted"     // somebody decided so
	Quarantined Verdict = "quarantined" // no network, no workspace, no tools until somebody decides
	Denied      Verdict = "denied"      // it does not run
)

// Judge says what the findings come to.
func Judge(all []Finding) Verdict {
	switch {
	case Worst(all, Critical) != nil:
		return Denied
	case Worst(all, High) != nil:
		return Quarantined
	}
	return Audited
}

// Worst returns the first finding of a severity; nil: there is none.
func Worst(all []Finding, s Severity) *Finding {
	if i := slices.IndexFunc(all, func(f Finding) bool { return f.Severity == s }); i >= 0 {
		return &all[i]
	}
	return nil
}

// MinimumAge of a version: most malicious versions are found and withdrawn sooner.
const MinimumAge = 3 * 24 * time.Hour

// Age finds a version that is younger than least; 0 is MinimumAge, a negative one is none. A zero
// time is unknown.
func Age(published, now time.Time, least time.Duration) []Finding {
	if least == 0 {
		least = MinimumAge
	}
	switch age := now.Sub(published); {
	case least < 0:
	case published.IsZero():
		return []Finding{{"age", Info,
			"the registry does not say when the version was published", ""}}
	case age < least:
		return []Finding{{"age", High, fmt.Sprintf(
			"the version was published %s ago, which is less than %s",
			max(age, 0).Round(time.Minute), days(least)), published.UTC().Format(time.RFC3339)}}
	}
	return nil
}

// days writes whole days as such.
func days(d time.Duration) string {
	if n := d / (24 * time.Hour); n > 1 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", n)
	}
	return d.String()
}

// Maintainers compares those of a version with those of the one that was installed before it.
func Maintainers(before, now []string) []Finding {
	var fresh []string
	for _, who := range now {
		if !slices.Contains(before, who) {
			fresh = append(fresh, who)
		}
	}
	switch {
	case len(before) == 0 || len(fresh) == 0:
		return nil
	case len(fresh) == len(now):
		return []Finding{{"maintainers", High,
			"none of its maintainers is one of the version that was installed before",
			strings.Join(fresh, ", ")}}
	}
	return []Finding{{"maintainers", Medium,
		"it has maintainers that the version installed before did not have",
		strings.Join(fresh, ", ")}}
}
