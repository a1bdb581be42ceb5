package monitor

import (
	"path"
	"strings"
)

type sensitive struct {
	severity Severity
	reason   string
}

// sensitivePath looks for a dangerous path in a call's paths and arguments. Paths are compared
// after cleaning: /proc/./1//root is /proc/1/root, and the relative path proc/1/root counts as
// well.
func sensitivePath(s *Syscall) (worst sensitive, found bool) {
	look := func(p string) {
		if got, ok := sensitiveAt(p); ok && (!found || got.severity.AtLeast(worst.severity)) {
			worst, found = got, true
		}
	}
	for _, p := range s.Paths {
		look(p)
	}
	for _, a := range s.Args {
		// a quoted path, or the path of a socket address
		if i := strings.IndexAny(a, "/@"); i >= 0 {
			a, _, _ = strings.Cut(a[i:], `"`)
			look(strings.TrimRight(a, "})"))
		}
	}
	return worst, found
}

func sensitiveAt(p string) (sensitive, bool) {
	critical := func(reason string) (sensitive, bool) { return sensitive{Critical, reason}, true }
	high := func(reason string) (sensitive, bool) { return sensitive{High, reason}, true }

	if strings.HasPrefix(p, "@") && strings.Contains(p, "containerd-shim") {
		return critical("named the abstract socket of a container manager")
	}
	p = path.Clean("/" + p)
	base := path.Base(p)
	switch base {
	case "docker.sock", "containerd.sock", "crio.sock", "podman.sock", "buildkitd.sock",
		"dockershim.sock":
		return critical("named the socket of a container manager, which starts anything as root")
	case "core_pattern", "uevent_helper", "release_agent":
		return critical("named " + base +
			", with which the kernel runs a program as root of the host")
	case "sysrq-trigger":
		return critical("named sysrq-trigger, which crashes or reboots the host")
	}
	switch p {
	case "/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore":
		return critical("named " + p + ", the memory of the host")
	case "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug":
		return critical("named " + p + ", with which the kernel runs a program as root of the host")
	case "/proc/kallsyms", "/proc/kmsg", "/dev/kmsg", "/proc/timer_list", "/proc/sched_debug":
		return high("named " + p + ", which reveals addresses in the kernel")
	case "/etc/shadow", "/etc/gshadow", "/etc/sudoers":
		return high("named " + p + ", the host's passwords or rights")
	case "/dev/fuse", "/dev/kvm", "/dev/vhost-vsock", "/dev/vhost-net", "/dev/net/tun":
		return high("named " + p + ", a device that leads out of the sandbox")
	}
	switch {
	case strings.HasPrefix(p, "/proc/sys/fs/binfmt_misc"):
		return critical("named binfmt_misc, which makes the host run a program that the tool " +
			"chooses")
	case strings.HasPrefix(p, "/proc/kpage"):
		return high("named " + p + ", the state of the host's memory")
	case strings.HasPrefix(p, "/sys/kernel/security"), strings.HasPrefix(p,
		"/sys/kernel/debug"), strings.HasPrefix(p, "/sys/kernel/tracing"), strings.HasPrefix(
		p, "/sys/firmware"):
		return high("named " + p + ", a kernel control interface")
	case rawDisk(p):
		return critical("named " + p + ", a disk of the host")
	case strings.HasPrefix(p, "/proc/"):
		return sensitiveProc(p)
	}
	return sensitive{}, false
}

// sensitiveProc finds dangerous entries below /proc/<pid> and /proc/<pid>/task/<tid>. A process's
// own entries are harmless, except its namespaces.
func sensitiveProc(p string) (sensitive, bool) {
	parts := strings.Split(strings.TrimPrefix(p, "/proc/"), "/")
	pid, rest := parts[0], parts[1:]
	if len(rest) > 2 && rest[0] == "task" {
		rest = rest[2:]
	}
	self := pid == "self" || pid == "thread-self"
	if len(rest) == 0 || !self && strings.Trim(pid, "0123456789") != "" {
		return sensitive{}, false
	}
	switch rest[0] {
	case "ns":
		return sensitive{High, "named the namespaces of a process"}, true
	case "root", "cwd", "fd", "map_files", "exe":
		if self {
			return sensitive{}, false
		}
		if pid == "1" {
			return sensitive{Critical,
				"named files of process 1 of the sandbox, which can lead to the host"}, true
		}
		return sensitive{High, "named files of another process"}, true
	case "mem", "environ", "auxv", "maps", "stack", "syscall":
		if self {
			return sensitive{}, false
		}
		return sensitive{High, "named the memory of another process"}, true
	}
	return sensitive{}, false
}

// rawDisk reports whether a path is a whole disk or a partition.
func rawDisk(p string) bool {
	name, ok := strings.CutPrefix(p, "/dev/")
	if !ok {
		return false
	}
	for _, prefix := range []string{"disk/", "mapper/", "dm-", "nvme", "mmcblk", "loop"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, prefix := range []string{"sd", "vd", "xvd", "hd"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && rest[0] >= 'a' &&
			rest[0] <= 'z' {
			return true
		}
	}
	return false
}
