package policies

import "time"

// Policy is one policy document (docs/POLICY.md), after Load resolved `extends`.
// It is plain data: nothing in it touches the kernel.
type Policy struct {
	Version     int         `yaml:"version"               json:"version"`
	Name        string      `yaml:"name"                  json:"name"`
	Description string      `yaml:"description,omitempty" json:"description,omitempty"`
	Extends     string      `yaml:"extends,omitempty"     json:"extends,omitempty"`
	Isolation   Isolation   `yaml:"isolation,omitempty"   json:"isolation,omitempty"   enum:"sandbox,none"`
	Require     []Layer     `yaml:"require,omitempty"     json:"require,omitempty"     enum:"user_namespace,pid_namespace,mount_namespace,network_namespace,ipc_namespace,uts_namespace,cgroup_namespace,rootfs,capabilities,no_new_privileges,seccomp,landlock,cgroup_limits"`
	Filesystem  Filesystem  `yaml:"filesystem,omitempty"  json:"filesystem,omitzero"`
	Syscalls    Syscalls    `yaml:"syscalls,omitempty"    json:"syscalls,omitzero"`
	Limits      Limits      `yaml:"limits,omitempty"      json:"limits,omitzero"`
	Network     Network     `yaml:"network,omitempty"     json:"network,omitzero"`
	Secrets     []Secret    `yaml:"secrets,omitempty"     json:"secrets,omitempty"`
	Environment Environment `yaml:"environment,omitempty" json:"environment,omitzero"`
	Code        Code        `yaml:"code,omitempty"        json:"code,omitzero"`
	Guard       Guard       `yaml:"guard,omitempty"       json:"guard,omitzero"`
	MCP         MCP         `yaml:"mcp,omitempty"         json:"mcp,omitzero"`
	Packages    Packages    `yaml:"packages,omitempty"    json:"packages,omitzero"`
	Rules       []Rule      `yaml:"rules,omitempty"       json:"rules,omitempty"`
}

// Isolation says whether there is a sandbox at all.
type Isolation string

const (
	IsolationSandbox Isolation = "sandbox" // every namespace new, a rootfs, no capabilities
	IsolationNone    Isolation = "none"    // no sandbox; stderr and the result say so
)

// Layer names a containment layer in `require` and in a result's `layers`.
type Layer string

const (
	LayerUserNamespace    Layer = "user_namespace"
	LayerPIDNamespace     Layer = "pid_namespace"
	LayerMountNamespace   Layer = "mount_namespace"
	LayerNetworkNamespace Layer = "network_namespace"
	LayerIPCNamespace     Layer = "ipc_namespace"
	LayerUTSNamespace     Layer = "uts_namespace"
	LayerCgroupNamespace  Layer = "cgroup_namespace"
	LayerRootfs           Layer = "rootfs"
	LayerCapabilities     Layer = "capabilities" // none held
	LayerNoNewPrivileges  Layer = "no_new_privileges"
	LayerSeccomp          Layer = "seccomp"
	LayerLandlock         Layer = "landlock"
	LayerCgroupLimits     Layer = "cgroup_limits"
)

// Filesystem says which files and folders of the host are bound into the rootfs.
type Filesystem struct {
	// a folder used instead of the host's /usr
	Rootfs string  `yaml:"rootfs,omitempty" json:"rootfs,omitempty"`
	Mounts []Mount `yaml:"mounts,omitempty" json:"mounts,omitempty"`
	// absolute paths inside, masked
	Hidden []string `yaml:"hidden,omitempty" json:"hidden,omitempty"`

	// Folders are made in the sandbox's own storage, for the tool to write in: absolute paths below
	// /work, /tmp or its home.
	Folders []string `yaml:"folders,omitempty" json:"folders,omitempty"`
}

// Mount binds Source (host) at Target (inside, absolute).
type Mount struct {
	Source string    `yaml:"source"         json:"source"`
	Target string    `yaml:"target"         json:"target"`
	Mode   MountMode `yaml:"mode,omitempty" json:"mode,omitempty" enum:"ro,rw"` // default ro
}

type MountMode string

const (
	ReadOnly  MountMode = "ro"
	ReadWrite MountMode = "rw"
)

// Syscalls is the seccomp part. Names beginning with @ are groups.
type Syscalls struct {
	// deny: allowlist; allow: denylist
	Default   SyscallDefault `yaml:"default,omitempty"   json:"default,omitempty"   enum:"deny,allow"`
	Allow     []SyscallRule  `yaml:"allow,omitempty"     json:"allow,omitempty"`
	Deny      []SyscallRule  `yaml:"deny,omitempty"      json:"deny,omitempty"` // wins over Allow
	Violation Violation      `yaml:"violation,omitempty" json:"violation,omitempty" enum:"errno,kill"`
}

type SyscallDefault string

const (
	DefaultDeny  SyscallDefault = "deny"
	DefaultAllow SyscallDefault = "allow"
)

type Violation string

const (
	ViolationErrno Violation = "errno" // EPERM and an event
	ViolationKill  Violation = "kill"  // the sandbox is killed, and an event
)

// SyscallRule is `name`, `@group`, or {names, args, why}. All Args must hold for the rule to match.
type SyscallRule struct {
	Names []string  `yaml:"names"          json:"names"`
	Args  []ArgRule `yaml:"args,omitempty" json:"args,omitempty"`
	Why   string    `yaml:"why,omitempty"  json:"why,omitempty"`
}

// ArgRule compares one argument (index 0–5): op is eq, ne, lt, le, gt, ge, masked_eq (arg & mask ==
// value). In the file, value and mask may be numbers or symbolic constants
// ("CLONE_NEWUSER|CLONE_NEWNS", "AF_UNIX", "TIOCSTI").
type ArgRule struct {
	Index uint   `yaml:"index"          json:"index"`
	Op    string `yaml:"op"             json:"op"             enum:"eq,ne,lt,le,gt,ge,masked_eq"`
	Value uint64 `yaml:"value"          json:"value"`
	Mask  uint64 `yaml:"mask,omitempty" json:"mask,omitempty"`
}

// Limits: zero means no limit.
type Limits struct {
	Memory Size `yaml:"memory,omitempty"     json:"memory,omitempty"` // bytes, swap 0
	// 0.5 = half a core
	CPUs    float64  `yaml:"cpus,omitempty"       json:"cpus,omitempty"`
	PIDs    int64    `yaml:"pids,omitempty"       json:"pids,omitempty"`    // tasks
	Timeout Duration `yaml:"timeout,omitempty"    json:"timeout,omitempty"` // wall clock
	// summed over all processes
	CPUTime Duration `yaml:"cpu_time,omitempty"   json:"cpu_time,omitempty"`
	// the sandbox's own storage (tmpfs)
	Disk      Size  `yaml:"disk,omitempty"       json:"disk,omitempty"`
	FileSize  Size  `yaml:"file_size,omitempty"  json:"file_size,omitempty"`  // RLIMIT_FSIZE
	OpenFiles int64 `yaml:"open_files,omitempty" json:"open_files,omitempty"` // RLIMIT_NOFILE
	Output    Size  `yaml:"output,omitempty"     json:"output,omitempty"`     // stdout + stderr
	// io.weight 1–10000
	IOWeight int64   `yaml:"io_weight,omitempty"  json:"io_weight,omitempty"`
	IO       []IOMax `yaml:"io,omitempty"         json:"io,omitempty"` // io.max
}

// IOMax is one line of io.max: Device is a path of a block device or a file on it.
type IOMax struct {
	Device    string `yaml:"device"               json:"device"`
	ReadBPS   Size   `yaml:"read_bps,omitempty"   json:"read_bps,omitempty"`
	WriteBPS  Size   `yaml:"write_bps,omitempty"  json:"write_bps,omitempty"`
	ReadIOPS  int64  `yaml:"read_iops,omitempty"  json:"read_iops,omitempty"`
	WriteIOPS int64  `yaml:"write_iops,omitempty" json:"write_iops,omitempty"`
}

// Size is bytes; in the file "256MiB", "1GB", "64k" or a number.
type Size int64

// Duration is "30s", "2m"; a bare number is seconds.
type Duration time.Duration

// Environment: only these variables reach the tool.
type Environment struct {
	Pass []string          `yaml:"pass,omitempty" json:"pass,omitempty"`
	Set  map[string]string `yaml:"set,omitempty"  json:"set,omitempty"`
}

// Code holds what only `mcpbox code` uses.
type Code struct {
	// used when limits.timeout is unset
	Timeout Duration `yaml:"timeout,omitempty" json:"timeout,omitempty"`
}

// Rule says what happens when an event, the usage or a change of a file matches the condition: the
// Action is taken, and the event gets at least this severity.
type Rule struct {
	ID          string `yaml:"id"                    json:"id"`
	Name        string `yaml:"name,omitempty"        json:"name,omitempty"`
	Description string `yaml:"description,omitempty" json:"description,omitempty"`
	When        string `yaml:"when"                  json:"when"`
	// how many matches it takes, and within which time
	Count  int      `yaml:"count,omitempty"       json:"count,omitempty"`
	Within Duration `yaml:"within,omitempty"      json:"within,omitempty"`
	// how long a condition about usage must hold
	For Duration `yaml:"for,omitempty"         json:"for,omitempty"`
	// conditions under which the rule does not apply
	Except []string `yaml:"except,omitempty"      json:"except,omitempty"`
	// low | medium | high | critical
	Severity string `yaml:"severity,omitempty"    json:"severity,omitempty"    enum:"low,medium,high,critical"`
	// alert | kill | destroy | quarantine
	Action string `yaml:"action,omitempty"      json:"action,omitempty"      enum:"alert,kill,destroy,quarantine"`
}
