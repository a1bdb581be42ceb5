package kernel

import (
	"fmt"
	"strings"
)

// Feature is a kernel feature that mcpbox uses.
type Feature struct {
	Name     string
	Since    Version
	For      string // what mcpbox does with it
	Required bool   // no sandbox starts without it
	Without  string // what is lost, if it is not required
}

// Features is sorted by version.
var Features = [...]Feature{
	{Name: "user namespaces", Since: Version{3, 8}, Required: true,
		For: "the tool has no rights on the host. user_namespaces(7)"},
	{Name: "memfd_create", Since: Version{3, 17}, Required: true,
		For: "PID 1 of the sandbox runs from a sealed file. memfd_create(2)"},
	{Name: "seccomp user notification", Since: Version{5, 0}, Required: true,
		For: "refused system calls become events. seccomp_unotify(2)"},
	{Name: "pidfd_getfd", Since: Version{5, 6}, Required: true,
		For: "the seccomp listener reaches mcpbox. pidfd_getfd(2)"},
	{Name: "openat2", Since: Version{5, 6}, Required: true,
		For: "paths are resolved without following links. openat2(2)"},
	{Name: "CLONE_INTO_CGROUP", Since: Version{5, 7}, Required: true,
		For: "a process starts inside its cgroup. clone3 in clone(2)"},
	{Name: "close_range", Since: Version{5, 9}, Required: true,
		For: "no descriptor of the caller reaches the tool. close_range(2)"},
	{Name: "mount_setattr", Since: Version{5, 12}, Required: true,
		For: "bound folders are read-only, and as root they keep their owner. mount_setattr(2)"},
	{Name: "Landlock", Since: Version{5, 13},
		For:     "a second check of every file access. landlock(7)",
		Without: "the layer landlock; maximum does not start"},
	{Name: "cgroup.kill", Since: Version{5, 14},
		For:     "a sandbox is killed at once. cgroup-v2.rst",
		Without: "its processes are killed one by one"},
	{Name: "process limit per user namespace", Since: Version{5, 14},
		For:     "the watchdog limits processes with RLIMIT_NPROC. getrlimit(2)",
		Without: "without cgroup v2, processes of the same user count together"},
	{Name: "memory.peak", Since: Version{5, 19},
		For: "results show the peak of memory. cgroup-v2.rst", Without: "the value is missing"},
	{Name: "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", Since: Version{5, 19},
		For:     "a signal does not repeat a refused call. seccomp(2)",
		Without: "an interrupted call can be counted twice"},
	{Name: "pids.peak", Since: Version{6, 1},
		For: "results show the peak of processes. cgroup-v2.rst", Without: "the value is missing"},
	{Name: "idmapped tmpfs", Since: Version{6, 3},
		For:     "as root, folders on a tmpfs can be bound as a workspace",
		Without: "as root, such a folder is refused"},
	{Name: "quick wake-ups of the listener", Since: Version{6, 6},
		For: "refusals take less time. SECCOMP_IOCTL_NOTIF_SET_FLAGS", Without: "speed only"},
	{Name: "Landlock scope", Since: Version{6, 12},
		For:     "the tool cannot signal PID 1 of the sandbox. landlock(7)",
		Without: "only the filter refuses it"},
}

//go:generate go run ./generate

// Since returns the first version that has the feature. The name must be in the table.
func Since(name string) Version {
	for _, f := range Features {
		if f.Name == name {
			return f.Since
		}
	}
	panic("kernel: unknown feature " + name)
}

// Floor is the oldest version that has every required feature.
func Floor() (floor Version) {
	for _, f := range Features {
		if f.Required && floor.Less(f.Since) {
			floor = f.Since
		}
	}
	return floor
}

// Missing returns the features that a kernel of this version cannot have, required ones first.
func Missing(v Version) (missing []Feature) {
	for _, required := range []bool{true, false} {
		for _, f := range Features {
			if f.Required == required && v.Less(f.Since) {
				missing = append(missing, f)
			}
		}
	}
	return missing
}

// Markdown returns the text of docs/KERNEL.md.
func Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What mcpbox needs from the kernel

<!-- Generated from internal/kernel: go generate ./internal/kernel -->

mcpbox needs Linux %s or later on amd64. The tests run on 6.1, 6.12 and 6.18. To see what a host
has, run %s. [HOSTS.md](HOSTS.md) shows what mcpbox enforces on which kind of host.
`, Floor(), "`mcpbox doctor`")
	for _, f := range Features {
		fmt.Fprintf(&b, "\n## %s: Linux %s\n\n", f.Name, f.Since)
		what, reference, _ := strings.Cut(f.For, ". ")
		fmt.Fprintf(&b, "- Use: %s\n", what)
		if reference != "" {
			fmt.Fprintf(&b, "- Source: %s\n", reference)
		}
		if f.Required {
			fmt.Fprintf(&b, "- Required\n")
		} else {
			fmt.Fprintf(&b, "- Without it: %s\n", f.Without)
		}
	}
	return b.String()
}
