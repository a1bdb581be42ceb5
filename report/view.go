package report

import (
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// View is what a report needs of a run's result. A result file decodes into it.
type View struct {
	ID        string                    `json:"execution_id"`
	Policy    string                    `json:"policy"`
	Status    string                    `json:"status"`
	Command   []string                  `json:"command,omitempty"`
	ExitCode  int                       `json:"exit_code"`
	Signal    string                    `json:"signal,omitempty"`
	Time      float64                   `json:"execution_time,omitempty"` // seconds
	CPUTime   float64                   `json:"cpu_time,omitempty"`
	Memory    int64                     `json:"memory_used,omitempty"`    // peak bytes, -1 unknown
	Processes int64                     `json:"processes_peak,omitempty"` // -1 unknown
	Timestamp time.Time                 `json:"timestamp"`
	Limits    map[string]LimitView      `json:"limits,omitempty"`
	Layers    map[policies.Layer]string `json:"layers,omitempty"` // enforced | absent | off
	Network   []Reached                 `json:"network,omitempty"`
	Events    []monitor.Event           `json:"security_events"`
	Stats     monitor.Stats             `json:"event_stats"`
}

// LimitView is one limit of a result, in the units of Limit. Backend "none" means that nothing
// enforces it.
type LimitView struct {
	Value   int64  `json:"value"`
	Backend string `json:"backend"`
}

// Reached is a host that the policy allows by name, and what went there and back.
type Reached struct {
	Host        string  `json:"host"`
	Port        int     `json:"port"`
	Connections int64   `json:"connections"`
	Sent        int64   `json:"bytes_sent"`
	Received    int64   `json:"bytes_received"`
	Duration    float64 `json:"duration"` // seconds, of all connections together
}

// ViewsOf makes a view of each run in an event log, in the order in which they began.
func ViewsOf(events []monitor.Event) (out []View) {
	var order []string
	runs := map[string][]monitor.Event{}
	for _, e := range events {
		if _, ok := runs[e.Sandbox]; !ok {
			order = append(order, e.Sandbox)
		}
		runs[e.Sandbox] = append(runs[e.Sandbox], e)
	}
	for _, id := range order {
		out = append(out, ViewOf(runs[id]))
	}
	return out
}

// ViewOf makes a view of an event log, which has no layers, limits and exit.
func ViewOf(events []monitor.Event) View {
	v := View{Events: events}
	for _, e := range events {
		v.ID, v.Policy = e.Sandbox, e.Policy
		v.Stats.Seen += uint64(e.Count)
		if e.Action == "dropped" {
			v.Stats.Dropped += uint64(e.Count)
		} else {
			v.Stats.Reported += uint64(e.Count)
		}
	}
	return v
}
