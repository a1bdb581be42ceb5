package api

import (
	"encoding/json"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
)

// Mode says how a caller gets the result.
type Mode string

const (
	Sync   Mode = "sync"   // the answer is the result
	Stream Mode = "stream" // the answer is a line for each Message, as it happens
	Async  Mode = "async"  // the answer comes at once; the result is kept
)

// ExecutionRequest asks for one program, or one snippet of code, in a fresh sandbox.
type ExecutionRequest struct {
	Command  []string `json:"command,omitempty"`  // the program and its arguments; or
	Code     string   `json:"code,omitempty"`     // a snippet, of
	Language string   `json:"language,omitempty"` // this language,
	Args     []string `json:"args,omitempty"`     // with these arguments,
	Tier     string   `json:"tier,omitempty"`     // standard or secure, for policy code-standard …
	Session  string   `json:"session,omitempty"`  // and what this session's snippets have left

	Policy   string          `json:"policy,omitempty"`          // a preset, or a policy of the daemon's config
	Document json.RawMessage `json:"policy_document,omitempty"` // or a policy itself, see docs/POLICY.md

	Env       map[string]string `json:"env,omitempty"`
	Dir       string            `json:"dir,omitempty"`        // default /work
	Stdin     string            `json:"stdin,omitempty"`      // text; or
	StdinData []byte            `json:"stdin_data,omitempty"` // anything, in base64
	Files     []File            `json:"files,omitempty"`      // below /work
	Timeout   float64           `json:"timeout,omitempty"`    // seconds; it can only shorten the policy's
	MaxOutput int               `json:"max_output,omitempty"` // bytes of stdout and of stderr that are kept

	Mode   Mode   `json:"mode,omitempty"`   // default sync
	Caller string `json:"caller,omitempty"` // whose request it is: limits count per caller
}

// File is a file for the sandbox, or one that came out of it.
type File struct {
	Path string `json:"path"`
	Text string `json:"text,omitempty"` // or
	Data []byte `json:"data,omitempty"` // in base64
	Size int64  `json:"size,omitempty"`
}

// Bytes is what is in the file.
func (f File) Bytes() []byte {
	if f.Data != nil {
		return f.Data
	}
	return []byte(f.Text)
}

// State is where an execution is.
type State string

const (
	Running  State = "running"
	Finished State = "finished" // Result says how
	Failed   State = "failed"   // it did not come about: Problem says why
	Lost     State = "lost"     // the daemon ended while it ran
)

// Execution is one call and what became of it.
type Execution struct {
	ID       string     `json:"id"`
	State    State      `json:"state"`
	Client   string     `json:"client"` // who asked, as the daemon knows it: "uid:1000", "token:ci"
	Caller   string     `json:"caller,omitempty"`
	Policy   string     `json:"policy"`
	Language string     `json:"language,omitempty"`
	Command  []string   `json:"command,omitempty"`
	Created  time.Time  `json:"created"`
	Ended    *time.Time `json:"ended,omitempty"`
	Result   *Result    `json:"result,omitempty"`
	Problem  *Problem   `json:"problem,omitempty"`
}

// Executions is a page of them, newest first.
type Executions struct {
	Executions []Execution `json:"executions"`
	Next       string      `json:"next,omitempty"` // ?before= of the next page
}

// Limit is one limit that was in force. Reported: there is an event each time a program runs into
// it.
type Limit struct {
	Value    int64  `json:"value"`
	Backend  string `json:"backend"`
	Reported bool   `json:"reported"`
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

// Result is how a program ended. docs/ARCHITECTURE.md explains the fields.
type Result struct {
	Success       bool              `json:"success"`
	Status        string            `json:"status"`
	ExitCode      int               `json:"exit_code"`
	Signal        string            `json:"signal,omitempty"`
	Error         string            `json:"error,omitempty"`
	Reason        string            `json:"reason,omitempty"`
	Hint          string            `json:"hint,omitempty"`
	Stdout        string            `json:"stdout"`
	Stderr        string            `json:"stderr"`
	StdoutBytes   int64             `json:"stdout_bytes"` // all that was written, kept or not
	StderrBytes   int64             `json:"stderr_bytes"`
	ExecutionTime float64           `json:"execution_time"`
	SetupTime     float64           `json:"setup_time"`
	CPUTime       float64           `json:"cpu_time"`
	MemoryUsed    int64             `json:"memory_used"`    // peak, -1: unknown
	ProcessesPeak int64             `json:"processes_peak"` // -1: unknown
	Limits        map[string]Limit  `json:"limits"`
	Layers        map[string]string `json:"layers"`
	Network       []Reached         `json:"network,omitempty"`
	Events        []monitor.Event   `json:"security_events"`
	EventStats    monitor.Stats     `json:"event_stats"`
	Findings      json.RawMessage   `json:"guard,omitempty"`
	Files         []File            `json:"files,omitempty"` // what a snippet left in /work/out
	Session       *Turn             `json:"session,omitempty"`
}

// Turn is a snippet's place in its session.
type Turn struct {
	Session string `json:"session"`
	Number  int    `json:"turn"`  // from 1
	Ended   bool   `json:"ended"` // the session has ended with it
}

// Session is one that is open: snippets that name it share its files and its interpreter.
type Session struct {
	Name   string    `json:"name"`
	Client string    `json:"client"`
	Caller string    `json:"caller,omitempty"`
	Opened time.Time `json:"opened"`
	Used   time.Time `json:"used"`
}

// Sessions is a list of them.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}
