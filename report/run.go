package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// Run is what the program was, how it ended and what it used. A log of events does not say it.
type Run struct {
	Command   []string             `json:"command,omitempty"`
	ExitCode  int                  `json:"exit_code"`
	Signal    string               `json:"signal,omitempty"`
	Time      float64              `json:"execution_time"` // seconds
	CPUTime   float64              `json:"cpu_time"`
	Memory    int64                `json:"memory_used"`    // peak bytes, -1 unknown
	Processes int64                `json:"processes_peak"` // -1 unknown
	Limits    map[string]LimitView `json:"limits,omitempty"`
}

// lines are the run for a person.
func (r *Run) lines() (out []string) {
	if len(r.Command) > 0 {
		words := make([]string, len(r.Command))
		for i, w := range r.Command {
			words[i] = text(w, maxText)
		}
		out = append(out, "command: "+text(strings.Join(words, " "), 2*maxText))
	}
	end := fmt.Sprintf("exit code %d", r.ExitCode)
	if r.Signal != "" {
		end += " (" + text(r.Signal, maxName) + ")"
	}
	parts := []string{end, seconds(r.Time), "CPU " + seconds(r.CPUTime)}
	if r.Memory > 0 {
		parts = append(parts, "memory "+policies.Size(r.Memory).String())
	}
	if r.Processes > 0 {
		parts = append(parts, fmt.Sprintf("processes %d at most", r.Processes))
	}
	out = append(out, "run: "+strings.Join(parts, ", "))
	var limits []string
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		if l := r.Limits[name]; l.Value != 0 {
			limits = append(limits, text(name, maxName)+" "+amount(name, l.Value)+" ("+by(l)+")")
		}
	}
	if len(limits) > 0 {
		out = append(out, "limits: "+strings.Join(limits, ", "))
	}
	return out
}

func by(l LimitView) string {
	if l.Backend == "" || l.Backend == "none" {
		return "not enforced"
	}
	return text(l.Backend, maxName)
}

// amount is a limit's value in its unit: docs/API.md.
func amount(name string, value int64) string {
	switch name {
	case "memory", "disk", "file_size", "output":
		return policies.Size(value).String()
	case "timeout", "cpu_time":
		return (time.Duration(value) * time.Millisecond).String()
	case "cpus":
		return fmt.Sprintf("%g", float64(value)/1000)
	}
	return fmt.Sprint(value)
}

func seconds(s float64) string {
	switch d := time.Duration(s * float64(time.Second)); {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Minute:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
