package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// hierarchy is a cgroup2 mount and the place of this process in it.
type hierarchy struct {
	mount string // absolute
	self  string // this process's cgroup, relative to mount, beginning with "/"
}

func (h hierarchy) dir(rel string) string { return filepath.Join(h.mount, rel) }

// findHierarchy finds the cgroup2 mount. If there are several, it prefers /sys/fs/cgroup.
func findHierarchy(mountinfo, selfCgroup string) (hierarchy, error) {
	var h hierarchy
	var root string
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		f := strings.Fields(before)
		if !ok || len(f) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		if h.mount == "" || f[4] == defaultMount {
			root, h.mount = f[3], f[4]
		}
	}
	if h.mount == "" {
		remedy := "sudo mount -t cgroup2 none /sys/fs/cgroup; a container gets the host's by " +
			"--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup"
		if strings.Contains(mountinfo, " - cgroup ") {
			remedy = unifiedHint
		}
		return h, hint.Errorf(remedy, "%w: no cgroup2 file system is mounted", ErrUnavailable)
	}
	for line := range strings.Lines(selfCgroup) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			h.self = path
		}
	}
	// In a container without a cgroup namespace the mount shows a subtree only.
	if root != "/" {
		rel, ok := strings.CutPrefix(h.self, root)
		if !ok {
			return h, fmt.Errorf("%w: the mount at %s shows %s, without this process",
				ErrUnavailable, h.mount, root)
		}
		h.self = rel
	}
	h.self = filepath.Join("/", h.self)
	return h, nil
}

const defaultMount = "/sys/fs/cgroup"

func currentHierarchy() (hierarchy, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return hierarchy{}, err
	}
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return hierarchy{}, err
	}
	return findHierarchy(string(mounts), string(self))
}
