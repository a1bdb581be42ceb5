package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/monitor"
)

const (
	maxName = 64
	maxText = 256
)

// text makes what a tool may have chosen printable, and cuts it.
func text(s string, n int) string { return monitor.Printable(s, n) }

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
	if rep.Run != nil {
		for _, l := range rep.Run.lines() {
			fmt.Fprintln(&b, l)
		}
	}
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
	if len(rep.Network) > 0 {
		fmt.Fprintln(&b, "\nhosts that were reached")
		for _, n := range rep.Network {
			b.WriteString(n.line())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (n Reached) line() string {
	return fmt.Sprintf("  %s, port %d: %s, %s sent, %s received, %.3f s\n",
		text(n.Host, maxText), n.Port, plural.Of(n.Connections, "connection"),
		plural.Of(n.Sent, "byte"), plural.Of(n.Received, "byte"), n.Duration)
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
