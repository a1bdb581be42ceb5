package learn

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
)

// String returns the report as a diff: each rule with its reasons, then what was left out.
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
	fmt.Fprintf(&b, "%s, %s proposed\n", plural.Of(r.Records, "record"),
		plural.Of(len(r.Proposals), "rule"))
	return b.String()
}

// clean makes a printable line of text that a client or a server may have chosen.
func clean(line string) string { return safetext.Clean(line, 400) + "\n" }

// String returns the evaluation for a terminal.
func (e *Evaluation) String() string {
	var b strings.Builder
	for _, w := range e.Wrong {
		line := fmt.Sprintf("line %d: %s, but allowed: %s/%s", w.Line, w.Label, w.Server, w.Tool)
		if w.Reason != "" {
			line = fmt.Sprintf("line %d: %s, but refused: %s/%s: %s: %s", w.Line, w.Label, w.Server,
				w.Tool, w.Layer, w.Reason)
		}
		b.WriteString(clean(line))
	}
	fmt.Fprintf(&b, "%-10s %8s %8s\n", "", "refused", "allowed")
	fmt.Fprintf(&b, "%-10s %8d %8d\n", "malicious", e.TruePositives, e.FalseNegatives)
	fmt.Fprintf(&b, "%-10s %8d %8d\n", "benign", e.FalsePositives, e.TrueNegatives)
	fmt.Fprintf(&b, "precision %s, recall %s\n", share(e.Precision), share(e.Recall))
	return b.String()
}

func share(f *float64) string {
	if f == nil {
		return "undefined"
	}
	return fmt.Sprintf("%.3f", *f)
}
