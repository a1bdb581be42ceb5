package seccomp

import (
	"sort"

	"github.com/mcpbox/mcpbox/policies"
)

// Summary says in numbers what a filter does, for people.
type Summary struct {
	Default     policies.SyscallDefault `json:"default"`     // deny or allow
	Violation   policies.Violation      `json:"violation"`   // errno or kill
	Allowed     int                     `json:"allowed"`     // calls, whatever their arguments
	Conditional []string                `json:"conditional"` // depend on arguments
	Refused     int                     `json:"refused"`     // known calls, likewise
	Rules       int                     `json:"argument_rules"`
}

// Summarize counts what Compile makes a filter of.
func Summarize(s policies.Syscalls) (Summary, error) {
	t, err := plan(s)
	if err != nil {
		return Summary{}, err
	}
	out := Summary{Default: s.Default, Violation: s.Violation, Conditional: []string{}}
	for nr, name := range nativeNames() {
		e := t[nr]
		if e != nil {
			out.Rules += len(e.allow) + len(e.deny)
		}
		switch {
		case name == "":
		case e == nil || e.denyAll || !e.allowAll && len(e.allow) == 0:
			out.Refused++
		case e.allowAll && len(e.deny) == 0:
			out.Allowed++
		default:
			out.Conditional = append(out.Conditional, name)
		}
	}
	sort.Strings(out.Conditional)
	return out, nil
}
