package api

import (
	"encoding/json"
	"time"

	"github.com/mcpbox/mcpbox/policies"
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
	State   string     `json:"state"` // running, paused, quarantined, ended, lost
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

// Location is its address.
func (s *Sandbox) Location() string { return "/v1/sandboxes/" + s.ID }

// Sandboxes is a list of them.
type Sandboxes struct {
	Sandboxes []Sandbox `json:"sandboxes"`
}

// Live reports whether a sandbox is still there.
func (s *Sandbox) Live() bool {
	return s.State == Started || s.State == Paused || s.State == Quarantined
}

// States of a sandbox that is there.
const (
	Started     = "running"
	Paused      = "paused"
	Quarantined = "quarantined" // by a rule; an operator releases or destroys it
)

// Usage is what a sandbox's commands that run have used so far; -1: unknown on this host.
type Usage struct {
	Commands  int     `json:"commands"`
	CPU       float64 `json:"cpu_seconds"`
	Memory    int64   `json:"memory_bytes"`
	Processes int64   `json:"processes"`
	Read      int64   `json:"io_read_bytes"`    // from block devices
	Written   int64   `json:"io_written_bytes"` // to block devices
	Sent      int64   `json:"network_sent_bytes"`
	Received  int64   `json:"network_received_bytes"`
}

// Change is what can be changed of a sandbox that runs. Limits that are not named stay as they are.
type Change struct {
	Limits policies.Limits `json:"limits"` // memory, cpus, pids, timeout
}

// Limits are those in force.
type Limits struct {
	Limits map[string]Limit `json:"limits"`
}

// Cleared are the sandboxes that were destroyed.
type Cleared struct {
	Destroyed []string `json:"destroyed"`
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

	// A terminal of its own, in a stream: stdout and stderr are one.
	TTY  bool   `json:"tty,omitempty"`
	Rows uint16 `json:"rows,omitempty"`
	Cols uint16 `json:"cols,omitempty"`
}
