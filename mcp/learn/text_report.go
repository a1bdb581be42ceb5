package learn

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/internal/safetext"
)

// String is the report as a diff: each rule with what speaks for it, and then what was left out.
func (r *Report) String() string {
	var b strings.Builder
	for _, p := range r.Proposals {
		b.WriteString(p.Change.String())
		for _, why := range p.Why {
			b.WriteString("    " + clean(strings.TrimPrefix(why, ": ")))
		}
	}
	for _, s := range r.Skipped {
		b.WriteString("  " + clean(s.What+": "+s.Why))
	}
	fmt.Fprintf(&b, "%d records, %d rules proposed\n", r.Records, len(r.Proposals))
	return b.String()
}

// clean makes a line of what a client or a server had a say in.
func clean(line string) string { return safetext.Clean(line, 400) + "\n" }
