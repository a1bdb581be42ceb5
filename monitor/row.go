package monitor

import (
	"cmp"
	"fmt"
)

// Row returns the event as one aligned line.
func (e Event) Row() string {
	e = Bound(e)
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
