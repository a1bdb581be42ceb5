package server

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/report"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// getReports: GET /v1/reports?since=&caller= sums up what ran, and names the worst.
func (d *daemon) getReports(r *http.Request) (*api.Reports, error) {
	out := &api.Reports{Since: time.Now().UTC().Add(-24 * time.Hour), Statuses: map[string]int{},
		Risks: map[string]int{}, Types: map[string]int{}, Rules: map[string]int{},
		Worst: []api.ReportLine{}}
	if text := r.URL.Query().Get("since"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, newProblem(http.StatusBadRequest, "write 2026-01-31T12:00:00Z",
				"?since= is no time")
		}
		out.Since = since
	}
	f := state.Filter{Client: visible(r), Caller: r.URL.Query().Get("caller"), Limit: 500}
	const most = 20_000
	for {
		rows, more, err := d.db.Executions(f)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Created.Before(out.Since) {
				return worst(out), nil
			}
			if out.Executions == most {
				out.More = true
				return worst(out), nil
			}
			f.Before = row.Seq
			if err := count(out, row); err != nil {
				return nil, err
			}
		}
		if !more {
			return worst(out), nil
		}
	}
}

// count adds an execution to the sums.
func count(out *api.Reports, row state.Execution) error {
	var x api.Execution
	if err := json.Unmarshal(row.Body, &x); err != nil {
		return err
	}
	out.Executions++
	status := string(x.State)
	if x.Result != nil {
		status = x.Result.Status
		for _, e := range x.Result.Events {
			out.Events += e.Count
			out.Types[string(e.Type)] += e.Count
			if e.Rule != "" {
				out.Rules[e.Rule] += e.Count
			}
		}
	}
	out.Statuses[status]++
	if x.Result == nil { // it did not come about, or still runs: there is nothing to judge
		return nil
	}
	rep := report.New(viewOf(&x))
	out.Risks[string(rep.Risk)]++
	line := api.ReportLine{ID: x.ID, Created: x.Created, Client: x.Client, Caller: x.Caller,
		Policy: x.Policy, Status: status, Risk: string(rep.Risk), Reasons: []string{}}
	for _, why := range rep.Reasons {
		line.Reasons = append(line.Reasons, why.Text)
	}
	out.Worst = append(out.Worst, line)
	const kept = 1000
	if len(out.Worst) > kept {
		worst(out)
	}
	return nil
}

// worst keeps the lines with the highest risk.
func worst(out *api.Reports) *api.Reports {
	slices.SortStableFunc(out.Worst, func(a, b api.ReportLine) int {
		return cmp.Or(monitor.Severity(b.Risk).Compare(monitor.Severity(a.Risk)),
			b.Created.Compare(a.Created))
	})
	const most = 20
	out.Worst = out.Worst[:min(len(out.Worst), most)]
	return out
}
