package api

import (
	"time"

	"github.com/mcpbox/mcpbox/monitor"
)

// Version says what the daemon is.
type Version struct {
	Version string `json:"version"`
	API     string `json:"api"` // "v1"
}

// Stats are the daemon's levels and counts since it started.
type Stats struct {
	Started    time.Time         `json:"started"`
	Draining   bool              `json:"draining"`
	Running    int               `json:"running"` // executions
	Sandboxes  int               `json:"sandboxes"`
	Executions map[string]uint64 `json:"executions"` // ended, by status
	Refused    map[string]uint64 `json:"refused"`    // requests, by status code
	Events     map[string]uint64 `json:"events"`     // by type
	EventsLost uint64            `json:"events_lost"`
	Pool       Pool              `json:"pool"`
}

// Pool is the pool's state: see package pool.
type Pool struct {
	Live     int          `json:"live"`
	Waiting  int          `json:"waiting"`
	Refused  uint64       `json:"refused"`
	Policies []PoolPolicy `json:"policies"`
}

// PoolPolicy is one policy's part of a pool.
type PoolPolicy struct {
	Name      string `json:"name"`
	Sandboxes int    `json:"sandboxes"`
	Warm      int    `json:"warm"`
	Target    int    `json:"target"`
	Calls     uint64 `json:"calls"`
	Waited    uint64 `json:"waited"`
	Error     string `json:"error,omitempty"`
}

// Event is a security event, and whose it is.
type Event struct {
	Seq       int64  `json:"seq"` // of the daemon's log; ?after= takes it
	Execution string `json:"execution,omitempty"`
	Client    string `json:"client,omitempty"`
	Caller    string `json:"caller,omitempty"`
	monitor.Event
}

// Events is a page of them, oldest first.
type Events struct {
	Events []Event `json:"events"`
	Next   int64   `json:"next"` // ?after= of the next page
}

// Policies are those that have names.
type Policies struct {
	Policies []string `json:"policies"`
}

// Erased says how much was.
type Erased struct {
	Executions int64 `json:"executions"`
	Events     int64 `json:"events"`
	Sandboxes  int64 `json:"sandboxes"`
}

// Server is an MCP server of the daemon's config.
type Server struct {
	Name     string `json:"name"`
	Policy   string `json:"policy"`
	Sessions int    `json:"sessions"`
	Most     int    `json:"most"`
}

// Servers is a list of them.
type Servers struct {
	Servers []Server `json:"servers"`
}
