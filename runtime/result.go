package runtime

import (
	"strconv"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
)

// Status says in one word how a run ended.
type Status string

const (
	StatusOK        Status = "ok"
	StatusFailed    Status = "failed"   // exit code not 0
	StatusSignaled  Status = "signaled" // by a signal that mcpbox did not send
	StatusCanceled  Status = "canceled" // by the caller's context
	StatusTimeout   Status = "timeout"
	StatusMemory    Status = "memory_limit"
	StatusCPU       Status = "cpu_limit"
	StatusPIDs      Status = "pids_limit"
	StatusDisk      Status = "disk_limit"
	StatusOutput    Status = "output_limit"
	StatusViolation Status = "violation" // killed by the policy or a rule
	StatusSetup     Status = "setup_error"
)

// Result describes how a run ended. Durations are nanoseconds in Go and seconds in JSON.
type Result struct {
	ExecutionID string   `json:"execution_id"`
	Policy      string   `json:"policy"`
	Command     []string `json:"command"`
	Success     bool     `json:"success"`
	// ExitCode is what mcpbox exits with: docs/ARCHITECTURE.md
	ExitCode int    `json:"exit_code"`
	Signal   string `json:"signal,omitempty"`
	Status   Status `json:"status"`
	// Err says why mcpbox ended the run, or why it did not start.
	Err           error                 `json:"-"`
	Error         string                `json:"error,omitempty"` // Err as text
	Stdout        string                `json:"stdout,omitempty"`
	Stderr        string                `json:"stderr,omitempty"`
	ExecutionTime Seconds               `json:"execution_time"`
	SetupTime     Seconds               `json:"setup_time"`
	CPUTime       Seconds               `json:"cpu_time"`
	MemoryUsed    int64                 `json:"memory_used"`    // peak bytes, -1 unknown
	ProcessesPeak int64                 `json:"processes_peak"` // -1 unknown
	Limits        map[string]LimitState `json:"limits"`
	Layers        Layers                `json:"layers"`
	// Network has the hosts that were reached, with network mode allow.
	Network    []Connections   `json:"network,omitempty"`
	IDMap      string          `json:"id_map,omitempty"` // range, subordinate or single
	Events     []monitor.Event `json:"security_events"`
	EventStats monitor.Stats   `json:"event_stats"`
	Timestamp  time.Time       `json:"timestamp"`
}

// Cause returns the event that ended the run, or nil if the program ended by itself.
func (r *Result) Cause() *monitor.Event {
	if r.Signal == "" && r.Status != StatusTimeout {
		return nil
	}
	for i := range r.Events {
		if e := &r.Events[i]; r.Status == endedBy(e) {
			return e
		}
	}
	return nil
}

// endedBy returns the status of a run that this event ended, or "" if the event does not end a run.
func endedBy(e *monitor.Event) Status {
	if e.Limit == nil {
		if e.Action == string(monitor.Kill) || e.Action == string(monitor.Quarantine) {
			return StatusViolation
		}
		return ""
	}
	switch e.Limit.Name {
	case "timeout":
		return StatusTimeout
	case "memory":
		return StatusMemory
	case "cpu_time":
		return StatusCPU
	case "pids":
		return StatusPIDs
	case "disk", "file_size":
		return StatusDisk
	case "output":
		return StatusOutput
	}
	return ""
}

// SetupResult returns the result of a run that did not start.
func SetupResult(spec Spec, cmd Command, err error, exitCode int) *Result {
	return &Result{Policy: spec.Policy.Name, Command: cmd.Args, Status: StatusSetup,
		ExitCode: exitCode, Err: err, Error: err.Error(),
		MemoryUsed: -1, ProcessesPeak: -1, Limits: map[string]LimitState{}, Layers: Layers{},
		Events: []monitor.Event{}, Timestamp: time.Now().UTC()}
}

// Seconds is a duration that JSON shows as a number of seconds.
type Seconds time.Duration

func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', 6, 64), nil
}

func (s *Seconds) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(data), 64)
	*s = Seconds(f * float64(time.Second))
	return err
}
