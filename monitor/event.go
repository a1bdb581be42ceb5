package monitor

import "time"

// Type is one of the six kinds of security event.
type Type string

const (
	SyscallBlocked        Type = "syscall_blocked"
	ResourceLimitExceeded Type = "resource_limit_exceeded"
	EscapeAttempt         Type = "escape_attempt"
	PermissionDenied      Type = "permission_denied"
	SuspiciousBehavior    Type = "suspicious_behavior"
	TimeoutExceeded       Type = "timeout_exceeded"
)

// RuleMCP begins the rule of what the MCP proxy found: there it is a message that was refused, not a system call.
const RuleMCP = "mcp:"

// Severity orders events and is the scale of a report's risk.
type Severity string

const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Event is one line of the event log. Every string that the tool controls is escaped and cut before it gets here.
type Event struct {
	Time     time.Time `json:"time"`
	ID       string    `json:"id"` // sortable, unique
	Type     Type      `json:"type"`
	Severity Severity  `json:"severity"`
	Sandbox  string    `json:"sandbox"`
	Policy   string    `json:"policy"`
	PID      int       `json:"pid,omitempty"` // inside the sandbox's PID namespace
	Comm     string    `json:"comm,omitempty"`
	Syscall  *Syscall  `json:"syscall,omitempty"`
	Limit    *Limit    `json:"limit,omitempty"`
	Network  *Endpoint `json:"network,omitempty"` // where a refused look-up or connection was to go
	Rule     string    `json:"rule,omitempty"`    // the rule or built-in detector that made or raised it
	Reason   string    `json:"reason,omitempty"`  // one sentence
	Action   string    `json:"action,omitempty"`  // EPERM, ENOSYS, kill, alert, throttled …
	Count    int       `json:"count"`             // folded repeats, ≥ 1
	Call     *Call     `json:"call,omitempty"`    // the MCP call in flight
	Hint     string    `json:"hint,omitempty"`
}

// Syscall is a refused call, decoded.
type Syscall struct {
	Name   string   `json:"name"`
	Number int      `json:"number"`
	Arch   string   `json:"arch,omitempty"` // only when not the native one
	Args   []string `json:"args"`
	Paths  []string `json:"paths,omitempty"` // decoded path arguments, for detection
	Own    bool     `json:"own,omitempty"`   // the process that it is about is one of the tool's own
}

// Limit is a breached limit. Value and Observed are bytes for sizes, milliseconds for times, thousandths of a core for
// cpus, plain numbers for pids and open_files.
type Limit struct {
	Name     string `json:"name"` // memory, pids, cpu_time, cpus, disk, file_size, open_files, output, timeout
	Value    int64  `json:"value"`
	Observed int64  `json:"observed"`
	Backend  string `json:"backend"` // cgroup2, watchdog, rlimit, tmpfs, clock
}

// RuleEgress begins the rule of what a network by name refused: see package egress.
const RuleEgress = "egress:"

// Endpoint is the other end of a look-up or a connection, as far as it is known.
type Endpoint struct {
	Name    string `json:"name,omitempty"`    // that was looked up
	Address string `json:"address,omitempty"` // that was to be reached
	Port    int    `json:"port,omitempty"`
	SNI     string `json:"sni,omitempty"` // the name in the TLS handshake, where it is another
}

// Call ties an event to the MCP request that was in flight.
type Call struct {
	Server    string   `json:"server"`
	Request   string   `json:"request"`
	Tool      string   `json:"tool"`
	Ambiguous []string `json:"ambiguous,omitempty"` // other calls in flight
}
