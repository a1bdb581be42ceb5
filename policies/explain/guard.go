package explain

import (
	"cmp"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
)

func (e *explainer) guard(p *policies.Policy) {
	g := &p.Guard
	if !g.On() {
		return
	}
	e.area("Code, before it runs (mcpbox code)")
	if g.Mode == policies.GuardWarn {
		e.item("dangerous imports, calls and attributes are reported, and the code runs")
	} else {
		e.item("code with a finding of severity %s or worse is refused", cmp.Or(g.Refuse, "medium"))
	}
	for _, list := range []struct {
		what  string
		names policies.GuardNames
	}{{"modules", g.Modules}, {"calls", g.Calls}, {"attributes", g.Attributes}} {
		if len(list.names.Deny) > 0 {
			e.item("%s that are findings too: %s", list.what, strings.Join(list.names.Deny, ", "))
		}
		if len(list.names.Allow) > 0 {
			e.item("%s that are not findings: %s", list.what, strings.Join(list.names.Allow, ", "))
		}
	}
	e.item("this is a second line of defence: the sandbox contains whatever it misses")
}
