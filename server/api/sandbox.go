package api

import (
	"encoding/json"
	"time"
)

// SandboxRequest asks for a sandbox that lives on between its commands.
type SandboxRequest struct {
	Policy   string          `json:"policy,omitempty"`
	Document json.RawMessage `json:"policy_document,omitempty"`
	Files    []File          `json:"files,omitempty"`
	Idle     float64         `json:"idle,omitempty"` // seconds without a command, after which it is destroyed
	Age      float64         `json:"age,omitempty"`  // seconds after which it is destroyed
	Caller   string          `json:"caller,omitempty"`
	Labels   []string        `json:"labels,omitempty"`
}

// Sandbox is one that was asked for.
type Sandbox struct {
	ID      string     `json:"id"`
	State   string     `json:"state"` // running, ended, lost
	Reason  string     `json:"reason,omitempty"`
	Client  string     `json:"client"`
	Caller  string     `json:"caller,omitempty"`
	Policy  string     `json:"policy"`
	Labels  []string   `json:"labels,omitempty"`
	Created time.Time  `json:"created"`
	Used    time.Time  `json:"used"`
	Ended   *time.Time `json:"ended,omitempty"`
	Running int        `json:"running"` // commands
}

// Sandboxes is a list of them.
type Sandboxes struct {
	Sandboxes []Sandbox `json:"sandboxes"`
}

// Usage is what a sandbox's commands that run have used so far; -1: unknown.
type Usage struct {
	Commands  int     `json:"commands"`
	CPU       float64 `json:"cpu_seconds"`
	Memory    int64   `json:"memory_bytes"`
	Processes int64   `json:"processes"`
}

// ExecRequest asks for a command in a sandbox. In a stream, it is the first line, and Messages
// follow.
type ExecRequest struct {
	Command   []string          `json:"command"`
	Env       map[string]string `json:"env,omitempty"`
	Dir       string            `json:"dir,omitempty"`
	Stdin     string            `json:"stdin,omitempty"`
	StdinData []byte            `json:"stdin_data,omitempty"`
	Timeout   float64           `json:"timeout,omitempty"`
	MaxOutput int               `json:"max_output,omitempty"`
	Mode      Mode              `json:"mode,omitempty"` // sync or stream
}
