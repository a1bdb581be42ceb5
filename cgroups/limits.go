package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/cgroups/v3/cgroup2"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// What PID 1 of the sandbox may use in addition to the tool's limits.
const (
	headroomMemory = 32 << 20
	headroomPIDs   = 16
)

// cpuPeriod is the kernel's default period, minQuota its smallest quota (both in µs).
const (
	cpuPeriod = 100_000
	minQuota  = 1_000
)

func withHeadroom(l policies.Limits) policies.Limits {
	g := policies.Limits{Memory: l.Memory, PIDs: l.PIDs}
	if g.Memory > 0 {
		g.Memory += headroomMemory
	}
	if g.PIDs > 0 {
		g.PIDs += headroomPIDs
	}
	return g
}

// resources turns limits into the library's type. Zero means no limit.
func resources(l policies.Limits, controllers []string) (*cgroup2.Resources, error) {
	r := &cgroup2.Resources{}
	if l.Memory > 0 && slices.Contains(controllers, "memory") {
		limit, together := int64(l.Memory), true
		r.Memory = &cgroup2.Memory{Max: &limit, OOMGroup: &together}
	}
	if l.PIDs > 0 && slices.Contains(controllers, "pids") {
		r.Pids = &cgroup2.Pids{Max: l.PIDs}
	}
	if l.CPUs > 0 && slices.Contains(controllers, "cpu") {
		quota, period := max(int64(l.CPUs*cpuPeriod), minQuota), uint64(cpuPeriod)
		r.CPU = &cgroup2.CPU{Max: cgroup2.NewCPUMax(&quota, &period)}
	}
	if len(l.IO) > 0 && slices.Contains(controllers, "io") {
		entries, err := ioEntries(l.IO)
		if err != nil {
			return nil, err
		}
		r.IO = &cgroup2.IO{Max: entries}
	}
	return r, nil
}

// apply sets the limits on an existing cgroup.
func apply(h hierarchy, rel string, l policies.Limits, controllers []string) error {
	r, err := resources(l, controllers)
	if err != nil {
		return err
	}
	m, err := cgroup2.Load(rel, cgroup2.WithMountpoint(h.mount))
	if err != nil {
		return err
	}
	if err := m.Update(r); err != nil {
		return fmt.Errorf("limit cgroup %s: %w", rel, err)
	}
	dir := h.dir(rel)
	// A kernel without swap accounting has no such file, and no swap limit.
	if r.Memory != nil && exists(dir, "memory.swap.max") {
		if err := writeFile(dir, "memory.swap.max", "0"); err != nil {
			return fmt.Errorf("limit cgroup %s: %w", rel, err)
		}
	}
	// The library knows only BFQ's file.
	if l.IOWeight > 0 && exists(dir, "io.weight") {
		if err := writeFile(dir, "io.weight", "default "+strconv.FormatInt(l.IOWeight,
			10)); err != nil {
			return fmt.Errorf("limit cgroup %s: %w", rel, err)
		}
	}
	return nil
}

// enforced has an entry for each limit of l that cgroups enforce: "", or why it is not enforced.
func enforced(dir string, l policies.Limits, controllers []string) map[string]string {
	out := map[string]string{}
	need := func(set bool, name, controller string) {
		switch {
		case !set:
		case slices.Contains(controllers, controller):
			out[name] = ""
		default:
			out[name] = "the " + controller + " controller is not delegated to " + dir
		}
	}
	need(l.Memory > 0, "memory", "memory")
	need(l.PIDs > 0, "pids", "pids")
	need(l.CPUs > 0, "cpus", "cpu")
	need(l.IOWeight > 0, "io_weight", "io")
	need(len(l.IO) > 0, "io", "io")
	if l.CPUTime > 0 {
		out["cpu_time"] = "" // cpu.stat's usage needs no controller
	}
	if out["io_weight"] == "" && l.IOWeight > 0 && !exists(dir, "io.weight") {
		out["io_weight"] = "this kernel has no io.weight (CONFIG_BLK_CGROUP_IOCOST)"
	}
	return out
}

func ioEntries(limits []policies.IOMax) ([]cgroup2.Entry, error) {
	var out []cgroup2.Entry
	for _, l := range limits {
		major, minor, err := wholeDisk(l.Device)
		if err != nil {
			return nil, fmt.Errorf("io limit of %s: %w", l.Device, err)
		}
		add := func(t cgroup2.IOType, rate int64) {
			if rate > 0 {
				out = append(out, cgroup2.Entry{Type: t, Major: major, Minor: minor,
					Rate: uint64(rate)})
			}
		}
		add(cgroup2.ReadBPS, int64(l.ReadBPS))
		add(cgroup2.WriteBPS, int64(l.WriteBPS))
		add(cgroup2.ReadIOPS, l.ReadIOPS)
		add(cgroup2.WriteIOPS, l.WriteIOPS)
	}
	return out, nil
}

// wholeDisk finds the disk behind a block device or behind the file system of
// a file: io.max refuses partitions.
func wholeDisk(path string) (major, minor int64, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, 0, err
	}
	dev := st.Dev
	if st.Mode&unix.S_IFMT == unix.S_IFBLK {
		dev = st.Rdev
	}
	sys, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev),
		unix.Minor(dev)))
	if err != nil {
		return 0, 0, errors.New("not on a block device")
	}
	if exists(sys, "partition") {
		sys = filepath.Dir(sys)
	}
	number, err := os.ReadFile(filepath.Join(sys, "dev"))
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscanf(strings.TrimSpace(string(number)), "%d:%d", &major, &minor)
	return major, minor, err
}
