package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// Leaf is the cgroup of one process tree: the limits themselves, no headroom.
type Leaf struct {
	h    hierarchy
	path string
	ctl  []string
	fd   *os.File

	mu     sync.Mutex
	limits policies.Limits
}

// NewLeaf makes <group>/<name> with the limits.
func (g *Group) NewLeaf(name string, l policies.Limits) (*Leaf, error) {
	if name == "" || name == "init" || strings.HasPrefix(name, ".") ||
		strings.ContainsAny(name, "/\n") {
		return nil, fmt.Errorf("create cgroup: bad leaf name %q", name)
	}
	leaf := &Leaf{h: g.h, path: filepath.Join(g.path, name), limits: l, ctl: g.controllers}
	if err := mkdir(leaf.dir()); err != nil {
		return nil, fmt.Errorf("create cgroup: %w", err)
	}
	if err := g.fillLeaf(leaf); err != nil {
		_ = os.Remove(leaf.dir())
		return nil, err
	}
	return leaf, nil
}

func (g *Group) fillLeaf(leaf *Leaf) error {
	if err := apply(leaf.h, leaf.path, leaf.limits, leaf.ctl); err != nil {
		return err
	}
	g.mu.Lock()
	owner := g.owner
	g.mu.Unlock()
	if owner != nil {
		if err := os.Chown(filepath.Join(leaf.dir(), "cgroup.procs"), owner[0],
			owner[1]); err != nil {
			return err
		}
	}
	fd, err := unix.Open(leaf.dir(), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open cgroup %s: %w", leaf.path, err)
	}
	leaf.fd = os.NewFile(uintptr(fd), leaf.dir())
	return nil
}

func (l *Leaf) dir() string { return l.h.dir(l.path) }

// Path returns the absolute folder of the leaf.
func (l *Leaf) Path() string { return l.dir() }

// FD returns an O_PATH descriptor of the leaf for CLONE_INTO_CGROUP. It is valid until Close.
func (l *Leaf) FD() int { return int(l.fd.Fd()) }

// Enforced is like Group.Enforced, for the leaf's limits.
func (l *Leaf) Enforced() map[string]string { return enforced(l.dir(), l.current(), l.ctl) }

// Usage returns the usage of the tree. Call it before the leaf is removed.
func (l *Leaf) Usage() (Usage, error) { return readUsage(l.dir()) }

// Holds returns an error unless the process is in the cgroup itself, so that its limits apply.
func (l *Leaf) Holds(pid int) error {
	members, err := readFields(l.dir(), "cgroup.procs")
	if err == nil && !slices.Contains(members, strconv.Itoa(pid)) {
		err = fmt.Errorf("the process is not in its cgroup %s", l.path)
	}
	return err
}

// Kill sends SIGKILL to every process of the tree.
func (l *Leaf) Kill() error { return killTree(l.dir()) }

// Close closes the descriptor. Remove or Group.Destroy removes the folder.
func (l *Leaf) Close() error { return l.fd.Close() }
