package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// Expect predicts the parent that Find would return, without changing anything. It creates no
// cgroup, enables no controller, moves no process and asks for no scope.
func Expect() (*Parent, error) {
	h, have, err := usableHierarchy()
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 && unix.Access(h.mount, unix.W_OK) == nil {
		return &Parent{mount: h.mount, path: "/mcpbox", origin: OriginRoot, controllers: have}, nil
	}
	for rel := h.self; rel != "/"; rel = filepath.Dir(rel) {
		if p := expectAt(h, rel); p != nil {
			return p, nil
		}
	}
	if os.Geteuid() != 0 {
		if p := expectScope(h); p != nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w: cgroup %s is not delegated to uid %d", ErrUnavailable, h.self,
		os.Geteuid())
}

// expectAt returns the parent at rel, or nil if Find would try the next folder.
func expectAt(h hierarchy, rel string) *Parent {
	dir := h.dir(rel)
	if !delegated(rel, dir) {
		return nil
	}
	procs, err := readFields(dir, "cgroup.procs")
	alone := rel == h.self && slices.Equal(procs, []string{strconv.Itoa(os.Getpid())})
	if err != nil || len(procs) > 0 && !alone {
		return nil
	}
	have, err := readFields(dir, "cgroup.controllers")
	if have = intersect(useful(), have); err != nil || len(have) == 0 {
		return nil
	}
	return &Parent{mount: h.mount, path: rel, origin: OriginDelegated, controllers: have}
}

// expectScope returns a scope of the user's service manager, or nil if no manager runs.
func expectScope(h hierarchy) *Parent {
	if _, err := os.Stat(filepath.Join(runtimeDir(), "systemd/private")); err != nil {
		return nil
	}
	uid := strconv.Itoa(os.Getuid())
	manager := "/user.slice/user-" + uid + ".slice/user@" + uid + ".service"
	have, err := readFields(h.dir(manager), "cgroup.controllers")
	if have = intersect(useful(), have); err != nil || len(have) == 0 {
		return nil
	}
	return &Parent{mount: h.mount, path: manager, origin: OriginScope, controllers: have}
}

// Enforces has an entry for each limit of l that groups of the parent enforce: "", or the reason
// why the limit is not enforced.
func (p *Parent) Enforces(l policies.Limits) map[string]string {
	out := enforced(p.Path(), l, p.controllers)
	// The root of the hierarchy has no io.weight; the file that its controller adds there says the
	// same.
	if errors.Is(unix.Access(p.Path(), unix.F_OK), unix.ENOENT) && l.IOWeight > 0 &&
		exists(p.mount, "io.cost.qos") {
		out["io_weight"] = ""
	}
	return out
}
