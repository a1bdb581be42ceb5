package guard

import (
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Kinds of names that rules are for.
const (
	kindModule    = "module"
	kindCall      = "call"
	kindAttribute = "attribute"
	kindOther     = "code" // no name of a list: syntax, encoding, computed names
)

// rule says of a name how bad it is, and why. Without a severity it is harmless: an exception from
// a shorter name.
type rule struct {
	name     string
	severity monitor.Severity
	why      string
}

// judge turns facts about code into findings: by the built-in rules, as the policy changes them.
type judge struct {
	language string
	rules    policies.Guard
	tables   map[string][]rule
	report   *Report
}

func (j *judge) names(kind string) policies.GuardNames {
	switch kind {
	case kindModule:
		return j.rules.Modules
	case kindCall:
		return j.rules.Calls
	case kindAttribute:
		return j.rules.Attributes
	}
	return policies.GuardNames{}
}

// lookup finds the rule for a name or, of dotted names, for its longest beginning.
func (j *judge) lookup(kind, name string) (rule, bool) {
	names, table := j.names(kind), j.tables[kind]
	for at := name; ; {
		if j.lists(names.Allow, at) {
			return rule{}, false
		}
		if j.lists(names.Deny, at) {
			return rule{at, monitor.High, "the policy denies it"}, true
		}
		if i := slices.IndexFunc(table, func(r rule) bool { return r.name == at }); i >= 0 {
			return table[i], table[i].severity != ""
		}
		cut := strings.LastIndexAny(at, "./")
		if cut < 0 || kind == kindAttribute {
			return rule{}, false
		}
		at = at[:cut]
	}
}

func (j *judge) lists(list []string, name string) bool {
	return slices.Contains(list, name) || slices.Contains(list, j.language+"/"+name)
}

// named reports a name if there is a rule for it.
func (j *judge) named(kind, name string, at place, how string) bool {
	r, ok := j.lookup(kind, name)
	if ok {
		j.add(kind, r.name, r.severity, at, r.why, how)
	}
	return ok
}

func (j *judge) add(kind, name string, severity monitor.Severity, at place, why, how string) {
	if how != "" {
		why += " (" + how + ")"
	}
	j.report.Findings = append(j.report.Findings, Finding{
		Line:     at.line,
		Column:   at.column,
		Rule:     j.language + "/" + kind + "/" + name,
		Severity: severity,
		Reason:   name + ": " + why,
	})
}

// place is where something stands in the code; both begin at 1.
type place struct{ line, column int }

// Rule is one built-in rule, for lists.
type Rule struct {
	Rule     string           `json:"rule"`
	Severity monitor.Severity `json:"severity"`
	Why      string           `json:"why"`
}

// Rules lists the built-in rules.
func Rules() (all []Rule) {
	for _, language := range []Language{Python, JavaScript, Shell} {
		tables := tablesOf(language)
		for _, kind := range []string{kindModule, kindCall, kindAttribute} {
			for _, r := range tables[kind] {
				if r.severity != "" {
					all = append(all,
						Rule{string(language) + "/" + kind + "/" + r.name, r.severity, r.why})
				}
			}
		}
	}
	return all
}

func tablesOf(language Language) map[string][]rule {
	switch language {
	case Python:
		return map[string][]rule{
			kindModule:    pythonModules[:],
			kindCall:      pythonCalls[:],
			kindAttribute: pythonAttributes[:],
		}
	case JavaScript:
		return map[string][]rule{
			kindModule:    scriptModules[:],
			kindCall:      scriptCalls[:],
			kindAttribute: scriptAttributes[:],
		}
	case Shell:
		return map[string][]rule{kindCall: shellCalls[:]}
	}
	return nil
}
