package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
)

// Places inside every sandbox.
const (
	Home    = "/home/user"
	Work    = "/work"
	canary  = "/.mcpbox" // readable, but no Landlock rule covers it
	bootID  = "/sys/.boot_id"
	cgroups = "/sys/fs/cgroup"
	devices = "/sys/devices/system"
)

// Config is the input of a plan.
type Config struct {
	Filesystem policies.Filesystem // Mounts in order; sources absolute
	// bytes for all private storage together; 0: the kernel's default (half of the memory)
	Disk       int64
	HostNet    bool   // the host's network: its resolv.conf and hosts are copied
	Resolver   string // the address of a name server inside; "" for none
	CgroupView bool   // mount the cell's own cgroup v2 at /sys/fs/cgroup, read-only
	Hostname   string
	// the folder that the tool sees as /sys/devices/system; "": none
	Topology string
	// PEM: an authority that programs trust besides those of the host; nil: none
	Authority []byte
	// to create in the private folders, with their parent folders; the tool owns them
	Files []File
}

// Plan says what to mount and what to make. Paths are inside the tool's root.
type Plan struct {
	Mounts []Mount
	Setup  Setup
	Cell   []Op
	own    []Dir // the writable folders on the sandbox's storage
	disk   int64
	Access []Access
	Masks  []Mask
	Canary string
}

// Mount is one mount below the tool's root. Bind mounts are recursive, nosuid and nodev.
type Mount struct {
	Source   string
	Target   string
	Type     string // "bind", "dev" (a bind mount with device nodes), "tmpfs", "proc" or "devpts"
	Data     string
	ReadOnly bool
	User     bool // named by the caller: its owner appears as the tool
	// of a User mount: its owner can't appear as the tool, because the kernel can't map ids there
	Unmapped bool
	Dev, Ino uint64 // of a User mount's source when the plan was made
	UID, GID uint32 // its owner on the host
	Over     string // of a User mount inside another one: the path on the host that it covers
	OverTop  string // the host folder of that other mount
	// below libcontainer's root: cells bind parts of it, and the tool never sees the whole
	Outer bool
}

// Mask hides a path in a folder of the host. The host may replace the file that the mask covers.
type Mask struct {
	Path   string // inside
	Folder bool
	Host   string // the same path on the host
	Top    string // the bound folder of the host, or a part of it
	Absent bool   // it does not exist at the start: the mask is put on when it appears
}

// Access is a Landlock rule: what Landlock grants below a path.
type Access struct {
	Path  string
	Right Right
	File  bool // not a folder
}

type Right int

const (
	List  Right = iota // list folders
	Read               // and read and execute files
	Proc               // and write files
	Dev                // and ioctl
	Write              // everything
)

func (r Right) String() string {
	return [...]string{List: "list", Read: "read", Proc: "proc", Dev: "dev", Write: "write"}[r]
}

// Build plans the root. Errors name the path and carry a hint.
func Build(cfg Config) (*Plan, error) {
	b := &builder{Config: cfg, plan: &Plan{Canary: canary, disk: cfg.Disk}}
	b.storage()
	var err error
	if cfg.Filesystem.Rootfs != "" {
		err = b.folder(cfg.Filesystem.Rootfs)
	} else {
		err = b.host()
	}
	if err != nil {
		return nil, err
	}
	b.dev()
	b.identity()
	if err := b.userMounts(); err != nil {
		return nil, err
	}
	b.cell()
	b.trust()
	if err := b.privateFolders(); err != nil {
		return nil, err
	}
	if err := b.hidden(); err != nil {
		return nil, err
	}
	b.seal()
	return b.plan, nil
}

type builder struct {
	Config
	plan *Plan
	ops  []Op // binds from outer mounts
}

// storage plans one tmpfs for everything that the sandbox may write. So `disk` limits all private
// folders together.
func (b *builder) storage() {
	data := "mode=0755"
	if b.Disk > 0 {
		data += fmt.Sprintf(",size=%d,nr_inodes=%d", b.Disk, max(b.Disk/1024, 4096))
	}
	b.mount(Mount{Source: "tmpfs", Target: "/", Type: "tmpfs", Data: data})
	b.file(canary, 0o444, nil)
	b.grant("/", List)
}

// private lists the writable folders on the storage: those that no user mount replaces.
func (b *builder) private() []Dir {
	var own []Dir
	for _, d := range []Dir{
		{Path: "/tmp", Mode: 0o1777},
		{Path: "/dev/shm", Mode: 0o1777},
		{Path: Home, Mode: 0o700, Tool: true},
		{Path: Work, Mode: 0o755, Tool: true},
	} {
		if m, _, _ := b.plan.covering(d.Path); m.Type == "tmpfs" {
			own = append(own, d)
		}
	}
	return own
}

func (b *builder) mount(m Mount) { b.plan.Mounts = append(b.plan.Mounts, m) }

func (b *builder) dir(path string, mode uint32) {
	b.plan.Setup.Dirs = append(b.plan.Setup.Dirs, Dir{Path: path, Mode: mode})
}

func (b *builder) file(path string, mode uint32, data []byte) {
	b.plan.Setup.Files = append(b.plan.Setup.Files, File{Path: path, Mode: mode,
		Data: data})
}

func (b *builder) link(path, target string) {
	b.plan.Setup.Links = append(b.plan.Setup.Links, Link{Path: path, Target: target})
}

func (b *builder) grant(path string, r Right) {
	b.plan.Access = append(b.plan.Access, Access{Path: path, Right: r})
}

// covering returns the mount that contains path, and the path of the same file in the mount's
// source. If two mounts have the same target, the later one counts.
func (p *Plan) covering(path string) (m Mount, source string, ok bool) {
	for _, next := range p.Mounts {
		if rest, in := below(path, next.Target); in && !next.Outer &&
			len(next.Target) >= len(m.Target) {
			m, source, ok = next, next.Source+rest, true
		}
	}
	return m, source, ok
}

// below reports whether path is dir or is below it. rest is the remaining part ("" or "/…").
func below(path, dir string) (rest string, ok bool) {
	if dir == "/" {
		return path, true
	}
	rest, ok = strings.CutPrefix(path, dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// MarkUnmapped records that the owner of a user mount can't appear as the tool. It returns false if
// that was already recorded.
func (p *Plan) MarkUnmapped(target string) bool {
	for i := range p.Mounts {
		if m := &p.Mounts[i]; m.User && m.Target == target && !m.Unmapped {
			m.Unmapped = true
			return true
		}
	}
	return false
}

// With returns the plan with one more user mount.
func (p *Plan) With(m Mount) *Plan {
	more := *p
	m.Type, m.User = "bind", true
	more.Mounts = append(slices.Clone(p.Mounts), m)
	return &more
}

// Nested returns the user mounts that are inside another user mount.
func (p *Plan) Nested() (out []Mount) {
	for _, m := range p.Mounts {
		if m.Over != "" {
			out = append(out, m)
		}
	}
	return out
}
