package api

import (
	"encoding/json"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
)

// AllowRule is a rule of the allowlist.
type AllowRule struct {
	ID      string `json:"id"`
	Applies bool   `json:"applies"` // now: it has not expired, and is not disabled
	access.Rule
}

// Allowlist is the rules, and the entry of the history that they are as of.
type Allowlist struct {
	Rules []AllowRule `json:"rules"`
	Head  string      `json:"head"` // for mcpbox allow verify --expect
}

// RuleChange changes when a rule applies. A time that is not named stays; "" removes it.
type RuleChange struct {
	Expires       *string `json:"expires,omitempty"`        // RFC 3339
	DisabledUntil *string `json:"disabled_until,omitempty"` // RFC 3339
	Note          *string `json:"note,omitempty"`
}

// AllowEntry is one change in the history.
type AllowEntry struct {
	Seq      int64           `json:"seq"`
	Time     time.Time       `json:"time"`
	Operator string          `json:"operator"`
	As       string          `json:"as,omitempty"`
	Action   string          `json:"action"`
	Changes  []access.Change `json:"changes"`
	Hash     string          `json:"hash"`
}

// AllowHistory is every change, oldest first. Problems say that the history is not intact.
type AllowHistory struct {
	Entries  []AllowEntry `json:"entries"`
	Problems []string     `json:"problems"`
}

// Changed is what a change of the allowlist did; seq is 0 if nothing changed.
type Changed struct {
	Seq     int64           `json:"seq"`
	Changes []access.Change `json:"changes"`
}

// RollbackRequest names the entry to go back to; 0 is before the first.
type RollbackRequest struct {
	Seq int64 `json:"seq"`
}

// LearnRequest asks for rules that recorded calls show to be needed.
type LearnRequest struct {
	Records    []json.RawMessage `json:"records,omitempty"` // default: the daemon's own
	MinCalls   int               `json:"min_calls,omitempty"`
	MinSamples int               `json:"min_samples,omitempty"`
	Replace    bool              `json:"replace,omitempty"`
}

// Learnt is what was learnt. The proposal waits for an operator's approval; null: nothing is new.
type Learnt struct {
	Records  int       `json:"records"`
	Skipped  []string  `json:"skipped"`
	Proposal *Proposal `json:"proposal"`
}

// ProposalRequest proposes a change of the allowlist.
type ProposalRequest struct {
	Add    []access.Rule `json:"add,omitempty"`
	Remove []string      `json:"remove,omitempty"` // ids
	Why    string        `json:"why,omitempty"`
}

// Proposal is a change that waits for an operator, or was decided.
type Proposal struct {
	ID      string          `json:"id"`
	State   string          `json:"state"` // pending, approved, rejected
	Client  string          `json:"client"`
	Created time.Time       `json:"created"`
	Add     []access.Rule   `json:"add"`
	Remove  []string        `json:"remove"`
	Why     string          `json:"why,omitempty"`
	Reasons []string        `json:"reasons,omitempty"` // of learnt rules
	Decided *time.Time      `json:"decided,omitempty"`
	By      string          `json:"by,omitempty"`
	Seq     int64           `json:"seq,omitempty"` // of the history's entry
	Changes []access.Change `json:"changes,omitempty"`
}

// Proposals is a list of them, oldest first.
type Proposals struct {
	Proposals []Proposal `json:"proposals"`
}

// EvaluateRequest asks how rules judge labelled records: the proxy's, each with a label.
type EvaluateRequest struct {
	Rules   []access.Rule     `json:"rules,omitempty"` // default: those in force
	Records []json.RawMessage `json:"records"`
}

// TrialRequest asks what a rule set would have done to recorded calls: rules instead of those in
// force, or a proposal in addition to them.
type TrialRequest struct {
	Rules    []access.Rule     `json:"rules,omitempty"`
	Proposal string            `json:"proposal,omitempty"`
	Records  []json.RawMessage `json:"records,omitempty"` // default: the daemon's own
}

// Trial compares verdicts now with those of the rule set.
type Trial struct {
	Records    int          `json:"records"`
	Allowed    int          `json:"allowed"` // by both
	Refused    int          `json:"refused"` // by both
	NowAllowed int          `json:"newly_allowed"`
	NowRefused int          `json:"newly_refused"`
	Different  []Difference `json:"different"` // the first 100
}

// Difference is a recorded call that the rule set would judge otherwise.
type Difference struct {
	Time    time.Time `json:"time"`
	Server  string    `json:"server"`
	Method  string    `json:"method"`
	Tool    string    `json:"tool"`
	Allowed bool      `json:"allowed"` // by the rule set
	Layer   string    `json:"layer,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}
