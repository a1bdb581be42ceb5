package guard

import (
	"cmp"
	"context"
	"fmt"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Language is a language that the guard can read.
type Language string

const (
	Python     Language = "python"
	JavaScript Language = "javascript"
	Shell      Language = "shell"
)

// maxSource is how much code is looked at; more is a finding.
const maxSource = 256 << 10

// Guard holds what a look needs.
type Guard struct {
	Rules policies.Guard

	// Python runs a Python program (an argument of -c) in a sandbox with stdin as its standard
	// input, and returns what it printed. An error means that the guard could not look.
	Python func(ctx context.Context, program string, stdin []byte) (stdout []byte, err error)
}

// Check looks at source. It returns an error only if ctx has ended; that the guard could not look
// is a finding.
func (g *Guard) Check(ctx context.Context, language Language, source []byte) (*Report, error) {
	r := &Report{Mode: cmp.Or(string(g.Rules.Mode), string(policies.GuardOff))}
	if !g.Rules.On() {
		r.Why = "the policy has no guard"
		r.tidy()
		return r, nil
	}
	j := &judge{language: string(language), rules: g.Rules, tables: tablesOf(language), report: r}
	var err error
	switch {
	case j.tables == nil:
		r.Why = "the guard does not know this language"
	case len(source) > maxSource:
		err = fmt.Errorf("more than %d KiB of code", maxSource>>10)
	case language == Python:
		err = j.python(ctx, g.Python, source)
	case language == JavaScript:
		err = j.script(source)
	case language == Shell:
		err = j.shell(source)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.Analysed = r.Why == "" && err == nil
	if err != nil {
		r.Why = err.Error()
		j.add(kindOther, "not-analysed", monitor.Medium, place{1, 1},
			"the guard could not look at all of this code", err.Error())
	}
	r.tidy()
	if g.Rules.Mode == policies.GuardDeny {
		least := monitor.Severity(cmp.Or(g.Rules.Refuse, string(monitor.Medium)))
		for _, f := range r.Findings {
			r.Refused = r.Refused || f.Severity.AtLeast(least)
		}
	}
	return r, nil
}
