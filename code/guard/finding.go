package guard

import (
	"cmp"
	"slices"

	"github.com/mcpbox/mcpbox/monitor"
)

// Finding is one thing that the guard saw. Line and Column begin at 1; columns count characters.
type Finding struct {
	Line     int              `json:"line"`
	Column   int              `json:"column"`
	Rule     string           `json:"rule"` // such as python/module/os, shell/call/curl
	Severity monitor.Severity `json:"severity"`
	Reason   string           `json:"reason"`
}

// Report is what a look at a snippet came to.
type Report struct {
	Mode     string    `json:"mode"`                   // off, warn or deny
	Analysed bool      `json:"analysed"`               // false: nobody looked, NotAnalysed says why
	Why      string    `json:"why_not,omitempty"`      // why nobody looked
	Findings []Finding `json:"findings"`               // in the order of the code
	Cut      int       `json:"findings_cut,omitempty"` // findings beyond MaxFindings
	Refused  bool      `json:"refused"`                // the snippet must not run
}

// MaxFindings bounds a report; the worst are kept.
const MaxFindings = 100

// Worst is the severity of the worst finding, "" without one.
func (r *Report) Worst() (worst monitor.Severity) {
	for _, f := range r.Findings {
		if worst == "" || f.Severity.AtLeast(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// tidy removes what is said twice, keeps the worst and sorts by place.
func (r *Report) tidy() {
	place := func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule))
	}
	slices.SortStableFunc(
		r.Findings,
		func(a, b Finding) int {
			return cmp.Or(place(a, b), cmp.Compare(rank(b.Severity), rank(a.Severity)))
		},
	)
	r.Findings = slices.CompactFunc(r.Findings, func(a, b Finding) bool { return place(a, b) == 0 })
	if len(r.Findings) > MaxFindings {
		slices.SortStableFunc(r.Findings,
			func(a, b Finding) int { return cmp.Compare(rank(b.Severity), rank(a.Severity)) })
		r.Cut = len(r.Findings) - MaxFindings
		r.Findings = r.Findings[:MaxFindings]
		slices.SortStableFunc(r.Findings, place)
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
}

func rank(s monitor.Severity) int {
	switch s {
	case monitor.Low:
		return 1
	case monitor.Medium:
		return 2
	case monitor.High:
		return 3
	case monitor.Critical:
		return 4
	}
	return 0
}
