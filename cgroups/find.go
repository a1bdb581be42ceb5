package cgroups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/cgroups/v3/cgroup2"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Options restrict what Find may do.
type Options struct {
	NoScope bool // do not ask systemd for a scope
}

// Origin says how a Parent was found.
type Origin string

const (
	OriginRoot      Origin = "root"          // <mount>/mcpbox
	OriginDelegated Origin = "delegated"     // a subtree that is delegated to this user
	OriginScope     Origin = "systemd scope" // a transient scope of the user's service manager
)

// Parent is a cgroup under which this process may create groups.
type Parent struct {
	mount       string
	path        string // relative to mount
	controllers []string
	origin      Origin
}

// Controllers lists the controllers that can limit children of the parent.
func (p *Parent) Controllers() []string { return slices.Clone(p.controllers) }

// Origin says how the parent was found.
func (p *Parent) Origin() Origin { return p.origin }

// Path returns the absolute folder.
func (p *Parent) Path() string { return filepath.Join(p.mount, p.path) }

// useful are the controllers that the limits of a policy need, all optional.
func useful() []string { return []string{"cpu", "io", "memory", "pids"} }

const unifiedHint = `the controllers belong to cgroup v1: ` +
	`sudo sed -i 's/^GRUB_CMDLINE_LINUX="/&systemd.unified_cgroup_hierarchy=1 /' ` +
	`/etc/default/grub && sudo update-grub && sudo reboot`

// usableHierarchy returns the cgroup v2 hierarchy of this process, and which of the useful
// controllers it has. It is an error if there is none.
func usableHierarchy() (h hierarchy, have []string, err error) {
	if h, err = currentHierarchy(); err != nil {
		return h, nil, err
	}
	all, err := readFields(h.mount, "cgroup.controllers")
	if err != nil {
		return h, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if have = intersect(useful(), all); len(have) == 0 {
		return h, nil, hint.Errorf(unifiedHint,
			"%w: %s has no controllers", ErrUnavailable, h.mount)
	}
	return h, have, nil
}

// Find looks for the best place: <mount>/mcpbox as root, otherwise a delegated subtree around this
// process, otherwise a transient systemd scope. Find moves this process into a leaf of the same
// subtree in two cases: in a scope, and if the process is alone in its delegated cgroup.
func Find(ctx context.Context, o Options) (*Parent, error) {
	h, _, err := usableHierarchy()
	if err != nil {
		return nil, err
	}
	var reasons []error
	if os.Geteuid() == 0 {
		p, err := findRoot(h)
		if err == nil {
			return p, nil
		}
		reasons = append(reasons, err)
	}
	p, err := findDelegated(h)
	if err == nil {
		return p, nil
	}
	reasons = append(reasons, err)
	if !o.NoScope && os.Geteuid() != 0 {
		p, err := newScope(ctx, h)
		if err == nil {
			return p, nil
		}
		reasons = append(reasons, err)
	}
	remedy := "a systemd user session delegates cgroups: sudo loginctl enable-linger " +
		strconv.Itoa(os.Getuid())
	if os.Geteuid() == 0 {
		remedy = "in a container: run it with --privileged --cgroupns=host, so that " + h.mount +
			" can be written"
	}
	return nil, hint.Errorf(remedy, "%w: %s", ErrUnavailable, oneLine(reasons))
}

func oneLine(errs []error) string {
	return strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; ")
}

func findRoot(h hierarchy) (*Parent, error) {
	p := &Parent{mount: h.mount, path: "/mcpbox", origin: OriginRoot}
	m, err := cgroup2.Load(p.path, cgroup2.WithMountpoint(h.mount))
	if err == nil && !exists(p.Path(), "cgroup.procs") {
		// No resources: the library would enable all controllers or none.
		m, err = cgroup2.NewManager(h.mount, p.path, &cgroup2.Resources{})
		if err == nil { // as mkdir does, whatever the umask
			err = os.Chmod(filepath.Join(h.mount, p.path), 0o755)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", p.Path(), err)
	}
	have, _ := m.RootControllers()
	refused := enable(h.mount, intersect(useful(), have))
	if p.controllers, err = m.Controllers(); err != nil {
		return nil, err
	}
	if len(p.controllers) == 0 {
		_ = os.Remove(p.Path())
		return nil, fmt.Errorf("%s delegates no controllers (%v)", h.mount, refused)
	}
	return p.usable()
}

// usable enables the controllers for the parent's children.
func (p *Parent) usable() (*Parent, error) {
	refused := enable(p.Path(), intersect(useful(), p.controllers))
	on, err := readFields(p.Path(), "cgroup.subtree_control")
	if err != nil {
		return nil, err
	}
	p.controllers = intersect(useful(), on)
	if len(p.controllers) == 0 {
		return nil, fmt.Errorf("%s delegates no controllers (%v)", p.Path(), refused)
	}
	return p, nil
}

// enable enables the controllers one by one, so that one refusal does not affect the others. It
// returns the last refusal. A write takes a system-wide lock, so enabled controllers are left
// alone.
func enable(dir string, controllers []string) error {
	on, err := readFields(dir, "cgroup.subtree_control")
	for _, c := range controllers {
		if !slices.Contains(on, c) {
			if e := writeFile(dir, "cgroup.subtree_control", "+"+c); e != nil {
				err = e
			}
		}
	}
	return err
}

// findDelegated walks up from this process's cgroup to the nearest folder that is delegated to this
// user and holds no other process.
func findDelegated(h hierarchy) (*Parent, error) {
	reason := fmt.Errorf("cgroup %s is not delegated to uid %d", h.self, os.Geteuid())
	for rel := h.self; rel != "/"; rel = filepath.Dir(rel) {
		dir := h.dir(rel)
		if !delegated(rel, dir) {
			continue
		}
		procs, err := readFields(dir, "cgroup.procs")
		if err != nil {
			return nil, err
		}
		if rel == h.self && len(procs) == 1 && procs[0] == strconv.Itoa(os.Getpid()) {
			if err := moveSelf(dir); err != nil {
				return nil, err
			}
		} else if len(procs) > 0 {
			reason = fmt.Errorf("cgroup %s is delegated but holds processes other than mcpbox", rel)
			continue
		}
		p := &Parent{mount: h.mount, path: rel, origin: OriginDelegated}
		if p.controllers, err = readFields(dir, "cgroup.controllers"); err != nil {
			return nil, err
		}
		if found, err := p.usable(); err == nil {
			return found, nil
		} else {
			reason = err
		}
	}
	return nil, reason
}

// delegated tells a delegated subtree from one that is only writable. Every unit of a user's
// service manager belongs to the user. Only those that systemd (254 or later) marks, and our own
// scopes, may be changed.
func delegated(rel, dir string) bool {
	if !writable(dir, ".") || !writable(dir, "cgroup.procs") ||
		!writable(dir, "cgroup.subtree_control") {
		return false
	}
	if isOwnScope(rel) || marked(dir, "user.delegate") || marked(dir, "trusted.delegate") {
		return true
	}
	return os.Geteuid() != 0 && !strings.Contains(rel, "/user@")
}

func marked(dir, xattr string) bool {
	var b [4]byte
	n, err := unix.Getxattr(dir, xattr, b[:])
	return err == nil && string(b[:n]) == "1"
}

// moveSelf moves this process out of dir: a cgroup with controllers for children can hold none.
func moveSelf(dir string) error {
	leaf := filepath.Join(dir, "supervisor")
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return writeFile(leaf, "cgroup.procs", "0")
}

func intersect(a, b []string) []string {
	var out []string
	for _, s := range a {
		if slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
