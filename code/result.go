package code

import (
	"slices"
	"strconv"
	"time"

	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/report"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// StatusRefused is the status of a snippet that the guard refused: nothing ran.
const StatusRefused mcpruntime.Status = "refused"

// StatusCompile is the status of a snippet that did not compile.
const StatusCompile mcpruntime.Status = "compile_error"

// Exit codes that are ours (DESIGN §8).
const (
	exitFailure  = 125
	exitRefused  = 126
	exitNotFound = 127
)

// Result is what became of a snippet. In JSON, the fields of the run's result stand beside these.
type Result struct {
	mcpruntime.Result
	Language    string        `json:"language"`
	CodeSHA256  string        `json:"code_sha256"`
	Available   bool          `json:"available"`        // false: nothing could run here, Reason says why
	Reason      string        `json:"reason,omitempty"` // why not available, or why refused
	Hint        string        `json:"hint,omitempty"`   // what to do about it
	StdoutBytes int64         `json:"stdout_bytes"`     // all that was written, kept or not
	StderrBytes int64         `json:"stderr_bytes"`
	Guard       *guard.Report `json:"guard"`
	Compile     *Step         `json:"compile,omitempty"`
	Files       []OutFile     `json:"files"`
	FilesCut    int           `json:"files_left,omitempty"` // left behind: too many, too large, or no regular files
	Session     *Session      `json:"session,omitempty"`
	Report      report.Report `json:"report"`
	Times       Times         `json:"times"`
}

// Session says where in a session a snippet ran.
type Session struct {
	Name  string `json:"name"`
	Turn  int    `json:"turn"`            // from 1
	Ended bool   `json:"ended,omitempty"` // the next snippet finds nothing of it: the interpreter ended
}

// Step is what a compiler said.
type Step struct {
	ExitCode int                `json:"exit_code"`
	Status   mcpruntime.Status  `json:"status"`
	Stdout   string             `json:"stdout,omitempty"`
	Stderr   string             `json:"stderr,omitempty"`
	Time     mcpruntime.Seconds `json:"time"`
}

// Times are wall clock, from the call of Run.
type Times struct {
	Guard mcpruntime.Seconds `json:"guard"` // the look, beside which the sandbox was made
	Total mcpruntime.Seconds `json:"total"`
}

func view(r *mcpruntime.Result) report.View {
	v := report.View{
		ID:        r.ExecutionID,
		Policy:    r.Policy,
		Status:    string(r.Status),
		ExitCode:  r.ExitCode,
		Signal:    r.Signal,
		Timestamp: r.Timestamp,
		Layers:    r.Layers,
		Events:    r.Events,
		Stats:     r.EventStats,
		Limits:    map[string]report.LimitView{},
	}
	for _, n := range r.Network {
		v.Network = append(v.Network, report.Reached{Host: n.Host, Port: n.Port,
			Connections: n.Connections, Sent: n.Sent, Received: n.Received,
			Duration: time.Duration(n.Duration).Seconds()})
	}
	for name, l := range r.Limits {
		v.Limits[name] = report.LimitView{Value: l.Value, Backend: l.Backend}
	}
	return v
}

// Judge makes the security report of a run: what happened, and what the guard saw in the code. g
// may be nil.
func Judge(run report.View, g *guard.Report) report.Report {
	rep := report.New(run)
	if g == nil || g.Worst() == "" {
		return rep
	}
	worst := g.Worst()
	for _, f := range g.Findings {
		if f.Severity == worst {
			rep.Reasons = append(
				rep.Reasons,
				report.Reason{
					Risk: f.Severity,
					Text: "the code, line " + strconv.Itoa(f.Line) + ": " + f.Reason,
				},
			)
		}
	}
	slices.SortStableFunc(rep.Reasons, func(a, b report.Reason) int {
		switch {
		case a.Risk == b.Risk:
			return 0
		case a.Risk.AtLeast(b.Risk):
			return -1
		}
		return 1
	})
	if worst.AtLeast(rep.Risk) {
		rep.Risk = worst
	}
	if worst.AtLeast(monitor.Medium) {
		rep.Recommendations = append(
			rep.Recommendations,
			report.Recommendation{
				Text: "read the lines that the guard names before this code runs anywhere else",
			},
		)
	}
	return rep
}
