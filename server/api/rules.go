package api

import (
	"encoding/json"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// Rule is a rule of detection, and where it is from.
type Rule struct {
	policies.Rule
	Source string `json:"source"` // config, added, or policy NAME
}

// Rules are those in force.
type Rules struct {
	Rules []Rule `json:"rules"`
}

// RulesTest asks what rules would have done.
type RulesTest struct {
	Rules  []policies.Rule   `json:"rules,omitempty"`  // default: those in force for every policy
	Events []json.RawMessage `json:"events,omitempty"` // each may have a label; default: the daemon's
}

// Reports sums up the executions of a time.
type Reports struct {
	Since      time.Time      `json:"since"`
	Executions int            `json:"executions"`
	Statuses   map[string]int `json:"statuses"`
	Risks      map[string]int `json:"risks"`
	Events     int            `json:"events"` // repeats included
	Types      map[string]int `json:"event_types"`
	Rules      map[string]int `json:"event_rules"`
	Worst      []ReportLine   `json:"worst"` // the 20 with the highest risk, newest first
	More       bool           `json:"more"`  // there were more executions than were looked at
}

// ReportLine is one execution's report in short.
type ReportLine struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Client  string    `json:"client"`
	Caller  string    `json:"caller,omitempty"`
	Policy  string    `json:"policy"`
	Status  string    `json:"status"`
	Risk    string    `json:"risk"`
	Reasons []string  `json:"reasons"`
}
