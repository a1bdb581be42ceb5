package initproto

// Kind names a message.
type Kind string

const (
	Setup   Kind = "setup"
	Ready   Kind = "ready"
	Network Kind = "network"
	Spawn   Kind = "spawn"
	Locked  Kind = "locked"
	Signal  Kind = "signal"
	Exited  Kind = "exited"
	Failed  Kind = "failed"
	Build   Kind = "build"
	Built   Kind = "built"

	Networked Kind = "networked"
	Connect   Kind = "connect"
	Connected Kind = "connected"

	// Mask restores masks in a cell's mounts. Its body is a SetupBody with the files and folders to
	// cover.
	Mask Kind = "mask"

	// Watch adds an inotify watch for the tool. Its descriptors are the tool's root and its inotify
	// instance. The answer has the watch's number.
	Watch   Kind = "watch"
	Watched Kind = "watched"
)

// Root is where the tool's root is assembled, below the root that
// libcontainer pivots into; cells pivot into it.
const Root = "/r"

// Segments lists the System V shared memory of an IPC namespace. sysvipc(7)
const Segments = "/proc/sysvipc/shm"

// Numbers in a cell's reaper, once the call has begun.
const (
	SegmentsFD = 1
	SocketsFD  = 2 // a socket that lists the sockets of its network namespace: sock_diag(7)
)

// Version is the version of the messages below. Both ends must have the same one; PID 1 gets it as
// its argument. A test fails if the messages change and the version does not.
const Version = "14"

// Mounts is the first argument, before the version, of an mcpbox-init that is nobody's PID 1: it
// makes detached mounts for an ordinary user's supervisor.
const Mounts = "mounts"

// ExitVersion is PID 1's exit code if its version differs from the supervisor's.
const ExitVersion = 3

// TimerSlack is that of mcpbox-init's threads, in nanoseconds: see package internal/sysmon.
const TimerSlack = 500_000

// ToolID is the uid and gid of every tool, inside.
const ToolID = 1000

// Message is the fixed part of every packet. Process numbers the spawns of a sandbox, from 1.
type Message struct {
	Kind     Kind
	Process  int
	PID      int  // locked: in the sandbox's PID namespace
	Listener int  // locked: the child's seccomp notify descriptor, -1 for none
	Landlock bool // locked: the canary was refused
	Signal   int
	Group    bool // signal: to the process group that the process leads
	Exit     *Exit
	Fault    Fault
	HasBody  bool // the first descriptor is a memfd with the body
	TTY      bool // locked: a pty master follows the pidfd
	IPv6     bool // networked: IPv6 is available
	Port     int  // connect: of the sandbox's loopback device
	Watch    int  // watched: the number from inotify_add_watch(2)
}

// Exit is how a process ended: wait(2) status and getrusage(2) figures.
type Exit struct {
	Status    int
	UserUsec  int64
	SysUsec   int64
	MaxRSSKiB int64
}

// SetupBody completes the tool's root with what mounts can't create. Paths are inside the root.
type SetupBody struct {
	Dirs  []Dir
	Files []File
	Links []Link
}

// Dir is created if missing; Tool makes the tool's id its owner.
type Dir struct {
	Path string
	Mode uint32
	Tool bool
}

type File struct {
	Path string
	Mode uint32
	Data []byte
}

type Link struct {
	Path   string
	Target string
}

// NetworkBody makes all addresses local, with a route for each family. Connections come from the
// address given for the family. The answer carries the resolver's sockets, UDP and TCP, at port 53
// of Resolver, and a listener for each of Ports. A cell sends them itself: see Record.
type NetworkBody struct {
	IPv4     []byte // 4 bytes
	IPv6     []byte // 16 bytes
	Resolver []byte // 4 bytes
	Ports    []int
}

// WatchBody is what the tool wants to watch: a path below its root.
type WatchBody struct {
	Path  string
	Flags uint64 // O_NOFOLLOW or 0
	Mask  uint32
}

// SpawnBody is one process to start. The message's descriptors after the
// memfd are stdin, stdout, stderr (none with TTY), then the cgroup's if InCgroup.
type SpawnBody struct {
	Argv     []string
	Env      []string
	Dir      string
	TTY      bool
	Rows     uint16
	Cols     uint16
	InCgroup bool
	Open     bool // build: the call may bring a workspace or a terminal
	Keyring  bool // build: a session keyring of its own

	Umask       uint32
	OuterID     int    // id in libcontainer's user namespace that ToolID of the cell maps to
	ToolID      int    // uid and gid inside
	CloneFlags  uint64 // namespaces of the cell besides user and mount
	Mounts      []MountOp
	Rlimits     []Rlimit
	Landlock    *Landlock
	Filter      []byte // struct sock_filter[]
	FilterFlags uint

	Network *NetworkBody // build: for the cell's own network namespace; nil: none
}

// MountOp is one mount(2) in the cell, before its pivot_root.
type MountOp struct {
	Source   string
	Target   string
	Type     string
	Flags    uint64
	Data     string
	Mkdir    uint32 // not a mount: a folder to make, of this mode
	Optional bool   // a missing target or source is fine
}

// Rlimit is a setrlimit(2) resource with soft and hard value.
type Rlimit struct {
	Resource int
	Soft     uint64
	Hard     uint64
}

// Landlock is a ruleset: handled rights, and the rights granted below each path. landlock(7)
type Landlock struct {
	HandledFS  uint64
	HandledNet uint64
	Scoped     uint64
	Rules      []LandlockRule
	Stdio      [3]uint64 // rights on the files behind descriptors 0, 1 and 2; 0: no rule
	Canary     string    // readable before Landlock, must be refused after
}

type LandlockRule struct {
	Path     string
	Access   uint64
	Optional bool
}

func (m *Message) walk(c *coder) {
	c.text((*string)(&m.Kind))
	number(c, &m.Process)
	number(c, &m.PID)
	number(c, &m.Listener)
	c.flag(&m.Landlock)
	number(c, &m.Signal)
	c.flag(&m.Group)
	optional(c, &m.Exit, func(e *Exit) {
		number(c, &e.Status)
		number(c, &e.UserUsec)
		number(c, &e.SysUsec)
		number(c, &e.MaxRSSKiB)
	})
	number(c, &m.Fault.Step)
	number(c, &m.Fault.Index)
	number(c, &m.Fault.Errno)
	c.flag(&m.HasBody)
	c.flag(&m.TTY)
	c.flag(&m.IPv6)
	number(c, &m.Port)
	number(c, &m.Watch)
}

func (b *WatchBody) walk(c *coder) {
	c.text(&b.Path)
	number(c, &b.Flags)
	number(c, &b.Mask)
}

func (b *NetworkBody) walk(c *coder) {
	c.bytes(&b.IPv4)
	c.bytes(&b.IPv6)
	c.bytes(&b.Resolver)
	list(c, &b.Ports, func(p *int) { number(c, p) })
}

func (b *SetupBody) walk(c *coder) {
	list(c, &b.Dirs, func(d *Dir) {
		c.text(&d.Path)
		number(c, &d.Mode)
		c.flag(&d.Tool)
	})
	list(c, &b.Files, func(f *File) {
		c.text(&f.Path)
		number(c, &f.Mode)
		c.bytes(&f.Data)
	})
	list(c, &b.Links, func(l *Link) {
		c.text(&l.Path)
		c.text(&l.Target)
	})
}

func (b *SpawnBody) walk(c *coder) {
	list(c, &b.Argv, c.text)
	list(c, &b.Env, c.text)
	c.text(&b.Dir)
	c.flag(&b.TTY)
	number(c, &b.Rows)
	number(c, &b.Cols)
	c.flag(&b.InCgroup)
	c.flag(&b.Open)
	c.flag(&b.Keyring)
	number(c, &b.Umask)
	number(c, &b.OuterID)
	number(c, &b.ToolID)
	number(c, &b.CloneFlags)
	list(c, &b.Mounts, func(m *MountOp) {
		c.text(&m.Source)
		c.text(&m.Target)
		c.text(&m.Type)
		number(c, &m.Flags)
		c.text(&m.Data)
		number(c, &m.Mkdir)
		c.flag(&m.Optional)
	})
	list(c, &b.Rlimits, func(r *Rlimit) {
		number(c, &r.Resource)
		number(c, &r.Soft)
		number(c, &r.Hard)
	})
	optional(c, &b.Landlock, func(l *Landlock) {
		number(c, &l.HandledFS)
		number(c, &l.HandledNet)
		number(c, &l.Scoped)
		list(c, &l.Rules, func(r *LandlockRule) {
			c.text(&r.Path)
			number(c, &r.Access)
			c.flag(&r.Optional)
		})
		for i := range l.Stdio {
			number(c, &l.Stdio[i])
		}
		c.text(&l.Canary)
	})
	c.bytes(&b.Filter)
	number(c, &b.FilterFlags)
	optional(c, &b.Network, func(n *NetworkBody) { n.walk(c) })
}
