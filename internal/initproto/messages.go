package initproto

// Kind names a message.
type Kind string

const (
	Setup   Kind = "setup"
	Ready   Kind = "ready"
	Spawn   Kind = "spawn"
	Locked  Kind = "locked"
	Release Kind = "release"
	Started Kind = "started"
	Signal  Kind = "signal"
	Exited  Kind = "exited"
	Failed  Kind = "failed"
)

// Root is where the tool's root is assembled, below the root that
// libcontainer pivots into; cells pivot into it.
const Root = "/r"

// ToolID is the uid and gid of every tool, inside.
const ToolID = 1000

// Message is the fixed part of every packet. Process numbers the spawns of a sandbox, from 1.
type Message struct {
	Kind     Kind  `json:"kind"`
	Process  int   `json:"process,omitempty"`
	PID      int   `json:"pid,omitempty"`      // locked: in the sandbox's PID namespace
	Listener int   `json:"listener,omitempty"` // locked: the child's seccomp notify descriptor, -1 for none
	Landlock bool  `json:"landlock,omitempty"` // locked: the canary was refused
	Signal   int   `json:"signal,omitempty"`
	Group    bool  `json:"group,omitempty"` // signal: to the process group that the process leads
	Exit     *Exit `json:"exit,omitempty"`
	Fault    Fault `json:"fault,omitzero"`
	HasBody  bool  `json:"body,omitempty"` // the first descriptor is a memfd with the JSON body
	TTY      bool  `json:"tty,omitempty"`  // locked: a pty master follows the pidfd
}

// Exit is how a process ended: wait(2) status and getrusage(2) figures.
type Exit struct {
	Status    int   `json:"status"`
	UserUsec  int64 `json:"user_usec"`
	SysUsec   int64 `json:"sys_usec"`
	MaxRSSKiB int64 `json:"max_rss_kib"`
}

// SetupBody completes the tool's root: what mounts alone can't make. Paths are inside it.
type SetupBody struct {
	Dirs  []Dir  `json:"dirs"`
	Files []File `json:"files"`
	Links []Link `json:"links"`
}

// Dir is created if missing; Tool makes the tool's id its owner.
type Dir struct {
	Path string `json:"path"`
	Mode uint32 `json:"mode"`
	Tool bool   `json:"tool,omitempty"`
}

type File struct {
	Path string `json:"path"`
	Mode uint32 `json:"mode"`
	Data []byte `json:"data"`
}

type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// SpawnBody is one process to start. The message's descriptors after the
// memfd are stdin, stdout, stderr (none with TTY), then the cgroup's if InCgroup.
type SpawnBody struct {
	Argv     []string `json:"argv"`
	Env      []string `json:"env"`
	Dir      string   `json:"dir"`
	TTY      bool     `json:"tty,omitempty"`
	Rows     uint16   `json:"rows,omitempty"`
	Cols     uint16   `json:"cols,omitempty"`
	InCgroup bool     `json:"in_cgroup,omitempty"`

	Umask       uint32    `json:"umask"`
	OuterID     int       `json:"outer_id"`    // id in libcontainer's user namespace that ToolID of the cell maps to
	ToolID      int       `json:"tool_id"`     // uid and gid inside
	CloneFlags  uint64    `json:"clone_flags"` // namespaces of the cell besides user and mount
	Mounts      []MountOp `json:"mounts"`
	Rlimits     []Rlimit  `json:"rlimits"`
	Landlock    *Landlock `json:"landlock,omitempty"`
	Filter      []byte    `json:"filter,omitempty"` // struct sock_filter[]
	FilterFlags uint      `json:"filter_flags,omitempty"`
}

// MountOp is one mount(2) in the cell, before (Old) or after its pivot_root.
type MountOp struct {
	Source   string `json:"s,omitempty"`
	Target   string `json:"t"`
	Type     string `json:"y,omitempty"`
	Flags    uint64 `json:"f,omitempty"`
	Data     string `json:"d,omitempty"`
	Optional bool   `json:"o,omitempty"` // a missing target or source is fine
}

// Rlimit is a setrlimit(2) resource with soft and hard value.
type Rlimit struct {
	Resource int    `json:"r"`
	Soft     uint64 `json:"s"`
	Hard     uint64 `json:"h"`
}

// Landlock is a ruleset: handled rights, and the rights granted below each path. landlock(7)
type Landlock struct {
	HandledFS  uint64         `json:"fs"`
	HandledNet uint64         `json:"net,omitempty"`
	Scoped     uint64         `json:"scoped,omitempty"`
	Rules      []LandlockRule `json:"rules"`
	Canary     string         `json:"canary"` // readable before, must not be after
}

type LandlockRule struct {
	Path     string `json:"p"`
	Access   uint64 `json:"a"`
	Optional bool   `json:"o,omitempty"`
}
