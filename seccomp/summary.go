package seccomp

import (
	"sort"

	"github.com/mcpbox/mcpbox/policies"
)

// Summary describes a filter in numbers, for people.
type Summary struct {
	Default     policies.SyscallDefault `json:"default"`     // deny or allow
	Violation   policies.Violation      `json:"violation"`   // errno or kill
	Allowed     int                     `json:"allowed"`     // calls that are always allowed
	Conditional []string                `json:"conditional"` // depend on arguments
	Refused     int                     `json:"refused"`     // known calls that are always refused
	Rules       int                     `json:"argument_rules"`
}

// Summarize counts the calls and rules that Compile would use.
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
