package monitor

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// WriteText writes the report for a person. The ids are those that `mcpbox events` prints.
func (rep Report) WriteText(w io.Writer) error {
	var b strings.Builder
	head := "risk: " + string(rep.Risk)
	for _, f := range []struct{ name, value string }{{"sandbox", rep.ID}, {"policy", rep.Policy},
		{"status", rep.Status}} {
		if f.value != "" {
			head += "   " + f.name + ": " + text(f.value, maxText)
		}
	}
	fmt.Fprintln(&b, head)
	kinds := fmt.Sprintf("events: %d", len(rep.Events))
	if rep.Stats.Seen > 0 {
		kinds += fmt.Sprintf(" different, %d in all", rep.Stats.Seen)
	}
	if rep.Stats.Dropped > 0 {
		kinds += fmt.Sprintf(", %d not recorded", rep.Stats.Dropped)
	}
	fmt.Fprintln(&b, kinds)
	switch {
	case len(rep.Reasons) == 0 && rep.Status == "":
		fmt.Fprintln(&b, "\nthe event log is empty: either nothing was refused, or nothing ran")
	case len(rep.Reasons) == 0:
		fmt.Fprintln(&b, "\nnothing was refused and no limit was reached")
	default:
		fmt.Fprintln(&b, "\nwhy")
		for _, r := range rep.Reasons {
			fmt.Fprintf(&b, "  %-8s  %s%s\n", r.Risk, text(r.Text, 2*maxText), refs(r.Events))
		}
	}
	if len(rep.Recommendations) > 0 {
		fmt.Fprintln(&b, "\nwhat to do")
		for _, r := range rep.Recommendations {
			fmt.Fprintf(&b, "  - %s%s\n", text(r.Text, 2*maxText), refs(r.Events))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func refs(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	const shown = 3
	s := strings.Join(ids[:min(len(ids), shown)], ", ")
	if more := len(ids) - shown; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return " [" + s + "]"
}

// Row is the event as one aligned line.
func (e Event) Row() string {
	e = bound(e)
	who := e.Comm
	if e.PID != 0 {
		who += fmt.Sprintf("[%d]", e.PID)
	}
	what := e.What()
	if e.Rule != "" {
		what += " (" + e.Rule + ")"
	}
	if e.Call != nil && e.Call.Tool != "" {
		what += " in " + e.Call.Tool
	}
	return fmt.Sprintf("%s  %s  %-8s  %-23s  %6s  %-14s  %-10s  %s",
		e.ID, e.Time.UTC().Format("2006-01-02 15:04:05.000"), e.Severity, e.Type, fmt.Sprintf("×%d",
			max(e.Count, 1)),
		cmp.Or(who, "-"), cmp.Or(e.Action, "-"), what)
}
