// Package report assesses a run: the risk, the reasons for it, and what to do. It reads a result
// and its events; it watches nothing itself.
//
//	rep := report.New(view)          // a result file decodes into a report.View
//	rep := report.New(report.ViewOf(events)) // an event log: layers and limits are unknown
//	err := rep.WriteText(os.Stdout)
//
// Everything in a view may come from a file that somebody else wrote, so the package escapes and
// cuts all text.
//
// A report does not show what no event was recorded for.
package report
