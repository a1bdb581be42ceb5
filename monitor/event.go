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

// RuleMCP is the prefix of rules of the MCP proxy. Such an event is about a refused message, not a
// system call.
const RuleMCP = "mcp:"

// RuleNoNetwork is the rule of attempts to reach a network in a sandbox that has none. The kernel's
// counters show them: the event has their number, and no address.
const RuleNoNetwork = "builtin:no_network"

// Severity orders events. A report has its risk on the same scale.
type Severity string

const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Event is one line of the event log. All text that the tool controls is escaped and cut.
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
	Network  *Endpoint `json:"network,omitempty"` // the target of a refused look-up or connection
	File     *File     `json:"file,omitempty"`    // a change in a writable mount
	// the rule or built-in detector that caused or raised it
	Rule   string `json:"rule,omitempty"`
	Reason string `json:"reason,omitempty"` // one sentence
	Action string `json:"action,omitempty"` // EPERM, ENOSYS, kill, alert, throttled …
	Count  int    `json:"count"`            // repeats, at least 1
	Call   *Call  `json:"call,omitempty"`   // the MCP call that was running
	Hint   string `json:"hint,omitempty"`
}

// Syscall is a refused call, decoded.
type Syscall struct {
	Name   string    `json:"name"`
	Number int       `json:"number"`
	Arch   string    `json:"arch,omitempty"`  // only when not the native one
	Raw    [6]uint64 `json:"-"`               // the registers, which detection uses
	Args   []string  `json:"args"`            // the decoded arguments, for people
	Paths  []string  `json:"paths,omitempty"` // decoded path arguments, for detection
	Own    bool      `json:"own,omitempty"`   // the call is about a process of the tool itself
}

// Limit is a broken limit. Value and Observed are bytes for sizes, milliseconds for times,
// thousandths of a core for cpus, and numbers for pids and open_files.
type Limit struct {
	// memory, pids, cpu_time, cpus, disk, file_size, open_files, output, timeout
	Name     string `json:"name"`
	Value    int64  `json:"value"`
	Observed int64  `json:"observed"`
	Backend  string `json:"backend"` // cgroup2, watchdog, rlimit, tmpfs, clock
}

// RuleEgress is the prefix of rules of a network by name: see package egress.
const RuleEgress = "egress:"

// Endpoint is the target of a look-up or a connection. Unknown fields are empty.
type Endpoint struct {
	Name    string `json:"name,omitempty"`    // the name that was looked up
	Address string `json:"address,omitempty"` // the address of the connection
	Port    int    `json:"port,omitempty"`
	SNI     string `json:"sni,omitempty"` // the name in the TLS handshake, if it differs
}

// File is a change of a file in a writable mount.
type File struct {
	Op   string `json:"op"`             // made, removed, changed
	Path string `json:"path"`           // inside the sandbox
	Kind string `json:"kind,omitempty"` // hook, profile, executable
}

// Usage is what a program has used so far. -1 is unknown.
type Usage struct {
	Memory        int64   `expr:"memory"` // bytes
	MemoryPercent float64 `expr:"memory_percent"`
	PIDs          int64   `expr:"pids"` // tasks
	PIDsPercent   float64 `expr:"pids_percent"`
	CPU           float64 `expr:"cpu"`         // seconds
	CPUPercent    float64 `expr:"cpu_percent"` // of one CPU, since the last look
	Sent          int64   `expr:"sent"`        // bytes over the network
	Received      int64   `expr:"received"`
	Seconds       float64 `expr:"seconds"` // since the program's start
}

// Call names the MCP request that was in flight when the event happened.
type Call struct {
	Server    string   `json:"server"`
	Request   string   `json:"request"`
	Tool      string   `json:"tool"`
	Ambiguous []string `json:"ambiguous,omitempty"` // other calls that were running
}
