package cgroups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

const groupPrefix = "mcpbox-"

// Group is the cgroup of one sandbox. It holds a lock on its folder, so that Collect leaves it
// alone.
type Group struct {
	h           hierarchy
	path        string // relative to the mount
	controllers []string

	mu     sync.Mutex
	limits policies.Limits
	lock   *os.File
	owner  *[2]int // uid, gid that may spawn into leaves
}

// Create makes <parent>/mcpbox-<id> with the limits plus headroom, and init/ in it.
func (p *Parent) Create(id string, l policies.Limits) (*Group, error) {
	if id == "" || strings.ContainsAny(id, "/\n") {
		return nil, fmt.Errorf("create cgroup: bad id %q", id)
	}
	h := hierarchy{mount: p.mount}
	g := &Group{h: h, path: filepath.Join(p.path, groupPrefix+id), controllers: p.controllers,
		limits: l}
	lock, err := makeLocked(g.dir())
	if err != nil {
		return nil, fmt.Errorf("create cgroup %s: %w", g.path, err)
	}
	g.lock = lock
	if err := g.fill(); err != nil {
		_ = g.Destroy(context.Background())
		return nil, err
	}
	return g, nil
}

func (g *Group) fill() error {
	if err := apply(g.h, g.path, withHeadroom(g.limits), g.controllers); err != nil {
		return err
	}
	if err := enable(g.dir(), g.controllers); err != nil {
		return fmt.Errorf("enable controllers in cgroup %s: %w", g.path, err)
	}
	if err := mkdir(filepath.Join(g.dir(), "init")); err != nil {
		return fmt.Errorf("create cgroup: %w", err)
	}
	return nil
}

// mkdir makes a cgroup that every id may go through, whatever umask a service manager has set: a
// sandbox's own id mounts its cgroup, and the kernel looks up the path with that id's rights.
func mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// makeLocked makes a folder and locks it. A collector can remove it between the two steps, so it
// checks that the folder is still there.
func makeLocked(dir string) (*os.File, error) {
	const attempts = 10
	for range attempts {
		if err := mkdir(dir); err != nil {
			return nil, err
		}
		f, err := lockDir(dir)
		if err == nil && sameFile(f, dir) {
			return f, nil
		}
		if f != nil {
			f.Close()
		}
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(dir)
			return nil, err
		}
		_ = os.Remove(dir)
	}
	return nil, fmt.Errorf("%s: removed by a collector at every attempt", dir)
}

// lockDir takes a flock. The lock ends with the descriptor, so also if the owner is killed.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, unix.O_DIRECTORY|os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func sameFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func (g *Group) dir() string { return g.h.dir(g.path) }

// Path returns the absolute folder of the group.
func (g *Group) Path() string { return g.dir() }

// InitPath returns the path of init/, the cgroup for PID 1. It begins with "/" and is relative to
// the cgroup2 mount.
func (g *Group) InitPath() string { return filepath.Join(g.path, "init") }

// Enforced has an entry for each limit that cgroups enforce ("memory", "pids", "cpus", "cpu_time",
// "io", "io_weight"): "", or the reason why the limit is not enforced.
func (g *Group) Enforced() map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return enforced(filepath.Join(g.dir(), "init"), g.limits, g.controllers)
}

// AllowSpawn lets a process with this host uid in init/ clone into leaves. For that, the kernel
// requires write permission on cgroup.procs of the leaf and of the common ancestor. The process
// cannot change limits. The cgroup namespace of init/ must not have its root below the group
// (ENOENT with nsdelegate), so the child makes its own namespace after the clone.
func (g *Group) AllowSpawn(uid, gid int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owner = &[2]int{uid, gid}
	return os.Chown(filepath.Join(g.dir(), "cgroup.procs"), uid, gid)
}

// Usage returns the usage of the whole sandbox, including PID 1.
func (g *Group) Usage() (Usage, error) { return readUsage(g.dir()) }
