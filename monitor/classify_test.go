package monitor_test

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
)

// refused returns a refused call. Its labels are those that package seccomp derives from the
// registers.
func refused(name string, args ...string) monitor.Event {
	s := &monitor.Syscall{Name: name, Args: args}
	for i, label := range args {
		for word := range strings.SplitSeq(label, "|") {
			n, err := strconv.ParseUint(word, 0, 64)
			if err != nil {
				n = numbers[word]
			}
			s.Raw[i] |= n
		}
	}
	return monitor.Event{Syscall: s, Action: "EPERM"}
}

var numbers = map[string]uint64{"CLONE_NEWUSER": unix.CLONE_NEWUSER, "SIGCHLD": 17,
	"PTRACE_ATTACH": unix.PTRACE_ATTACH, "AF_INET": unix.AF_INET, "AF_INET6": unix.AF_INET6,
	"AF_PACKET": unix.AF_PACKET, "AF_ALG": unix.AF_ALG, "AF_UNIX": unix.AF_UNIX,
	"SOCK_STREAM": unix.SOCK_STREAM, "SOCK_RAW": unix.SOCK_RAW, "SOCK_CLOEXEC": unix.SOCK_CLOEXEC,
	"SOCK_SEQPACKET": unix.SOCK_SEQPACKET}

func refusedPath(name, path string) monitor.Event {
	e := refused(name, `"`+path+`"`)
	e.Syscall.Paths = []string{path}
	return e
}

func TestAttacksGetTheirClassSeverityAndReason(t *testing.T) {
	const esc, denied, blocked = monitor.EscapeAttempt, monitor.PermissionDenied,
		monitor.SyscallBlocked
	foreign := refused("getpid")
	foreign.Syscall.Arch = "i386"
	own := refused("ptrace", "PTRACE_ATTACH", "17", "0x0", "0x0")
	own.Syscall.Own = true
	shim := refused("connect", "3", `{AF_UNIX, "@/containerd-shim/x.sock"}`, "110")
	for _, c := range []struct {
		claim string
		event monitor.Event
		typ   monitor.Type
		sev   monitor.Severity
	}{
		{"makes a user namespace", refused("unshare", "CLONE_NEWUSER|CLONE_NEWNS"), esc,
			monitor.High},
		{"clones into one", refused("clone", "CLONE_NEWUSER|SIGCHLD", "0x0"), esc, monitor.High},
		{"enters another's", refused("setns", "3", "CLONE_NEWNET"), esc, monitor.High},
		{"swaps the root", refused("pivot_root", `"."`, `"."`), esc, monitor.High},
		{"uses the new mount calls", refused("open_tree", "AT_FDCWD"), esc, monitor.High},
		{"moves a mount", refused("move_mount", "3"), esc, monitor.High},
		{"mounts proc again", refused("mount", `"proc"`, `"/tmp/p"`, `"proc"`, "0", "0x0"), denied,
			monitor.High},
		{"uncovers what is masked", refused("umount2", `"/work"`, "MNT_DETACH"), denied,
			monitor.High},
		{"climbs out of a chroot", refusedPath("chroot", "/tmp/x"), denied, monitor.Medium},
		{"mounts the cgroup escape", refusedPath("mount", "/tmp/c/release_agent"), esc,
			monitor.Critical},
		{"attaches to process 1", refused("ptrace", "PTRACE_ATTACH", "1", "0x0", "0x0"), esc,
			monitor.High},
		{"looks into a child of its own", own, blocked, monitor.Medium},
		{"lets itself be traced", refused("ptrace", "PTRACE_TRACEME", "0", "0x0", "0x0"), blocked,
			monitor.Medium},
		{"writes another's memory", refused("process_vm_writev", "1"), esc, monitor.High},
		{"steals a descriptor", refused("pidfd_getfd", "3", "4", "0"), esc, monitor.High},
		{"opens by handle (shocker)", refused("open_by_handle_at", "3"), esc, monitor.Critical},
		{"loads a module", refused("finit_module", "3"), esc, monitor.Critical},
		{"replaces the kernel", refused("kexec_load"), esc, monitor.Critical},
		{"reads keyrings", refused("keyctl", "0"), esc, monitor.High},
		{"adds a key", refused("add_key", `"user"`), esc, monitor.High},
		{"loads BPF", refused("bpf", "BPF_PROG_LOAD"), esc, monitor.High},
		{"stops the kernel at a fault", refused("userfaultfd", "0"), esc, monitor.High},
		{"counts cycles of others", refused("perf_event_open"), esc, monitor.High},
		{"uses a ring", refused("io_uring_enter", "3"), esc, monitor.High},
		{"probes for a ring, as every Node.js does", refused("io_uring_setup", "16", "0x0"),
			blocked, monitor.Low},
		{"sets the clock", refused("clock_settime", "CLOCK_REALTIME"), esc, monitor.High},
		{"reboots", refused("reboot"), esc, monitor.Critical},
		{"reads the kernel's log, as dmesg does", refused("syslog", "3", "0x7f00", "262144"),
			denied, monitor.Medium},
		{"asks how long it is", refused("syslog", "10", "0x0", "0"), denied, monitor.Medium},
		{"clears the kernel's log", refused("syslog", "5", "0x0", "0"), esc, monitor.High},
		{"renames the host", refused("sethostname", `"x"`, "1"), esc, monitor.High},
		{"swaps", refused("swapon", `"/x"`), esc, monitor.High},
		{"takes the 32-bit door", foreign, esc, monitor.High},
		{"opens an inet socket", refused("socket", "AF_INET", "SOCK_STREAM|SOCK_CLOEXEC", "0"),
			denied, monitor.Medium},
		{"opens a packet socket", refused("socket", "AF_PACKET", "SOCK_RAW", "768"), denied,
			monitor.High},
		{"opens a raw socket", refused("socket", "AF_INET", "SOCK_RAW", "255"), denied,
			monitor.High},
		{"pings", refused("socket", "AF_INET", "SOCK_RAW", "1"), denied, monitor.Medium},
		{"reaches the crypto sockets", refused("socket", "AF_ALG", "SOCK_SEQPACKET", "0"), denied,
			monitor.High},
		{"calls docker", refused("connect", "3", `{AF_UNIX, "/var/run/docker.sock"}`, "110"), esc,
			monitor.Critical},
		{"calls containerd's shim", shim, esc, monitor.Critical},
		{"calls anybody, without sockets", refused("connect", "3", "{AF_INET, 1.2.3.4:80}", "16"),
			denied, monitor.Medium},
		{"reads process 1's root", refusedPath("openat", "/proc/1/root/etc/shadow"), esc,
			monitor.Critical},
		{"spells it otherwise", refusedPath("openat", "/proc/./1//root"), esc, monitor.Critical},
		{"spells it with dots", refusedPath("openat", "/proc/self/../1/root/"), esc,
			monitor.Critical},
		{"spells it relatively", refusedPath("openat", "../../proc/1/root"), esc, monitor.Critical},
		{"goes through a thread", refusedPath("openat", "/proc/1/task/1/root"), esc,
			monitor.Critical},
		{"takes a namespace file", refusedPath("openat", "/proc/77/ns/mnt"), esc, monitor.High},
		{"writes another's memory file", refusedPath("openat", "/proc/77/mem"), esc, monitor.High},
		{"sets core_pattern", refusedPath("openat", "/proc/sys/kernel/core_pattern"), esc,
			monitor.Critical},
		{"pulls sysrq", refusedPath("openat", "/proc/sysrq-trigger"), esc, monitor.Critical},
		{"reads kernel memory", refusedPath("openat", "/proc/kcore"), esc, monitor.Critical},
		{"reads physical memory", refusedPath("openat", "/dev/mem"), esc, monitor.Critical},
		{"opens the host's disk", refusedPath("openat", "/dev/sda1"), esc, monitor.Critical},
		{"plants a uevent helper", refusedPath("openat", "/sys/kernel/uevent_helper"), esc,
			monitor.Critical},
		{"only reads its own files", refusedPath("openat", "/proc/self/maps"), blocked,
			monitor.Medium},
		{"only has a like-sounding file", refusedPath("openat", "/work/proc/1/rootless"), blocked,
			monitor.Medium},
		{"makes an unknown call", refused("syscall_999"), blocked, monitor.Medium},
	} {
		got := monitor.Classify(c.event)
		if got.Type != c.typ || got.Severity != c.sev {
			t.Errorf("%s: %s: got %s %s, want %s %s", c.claim, c.event.Syscall.Name, got.Severity,
				got.Type, c.sev, c.typ)
		}
		if got.Reason == "" {
			t.Errorf("%s: no reason", c.claim)
		}
		if strings.Contains(got.Hint, "syscalls.allow") && got.Type == monitor.EscapeAttempt {
			t.Errorf("%s: the hint tells how to allow an escape: %q", c.claim, got.Hint)
		}
	}
}

func TestAHintNamesTheLineThatAllowsACall(t *testing.T) {
	if got := monitor.Classify(refused("getpriority")).Hint; got != "to allow it: "+
		"syscalls.allow: [getpriority]" {
		t.Errorf("hint: %q", got)
	}
	unknown := monitor.Event{Syscall: &monitor.Syscall{Number: 999}, Action: "ENOSYS"}
	if got := monitor.Classify(unknown); got.Hint != "" || got.Syscall.Name != "syscall_999" ||
		unknown.Syscall.Name != "" {
		t.Errorf("a call without a name: %+v, hint %q", got.Syscall, got.Hint)
	}
}

func TestACallAnsweredWithENOSYSIsAProbe(t *testing.T) {
	e := refused("clone3", "0x0", "88")
	e.Action = "ENOSYS"
	if got := monitor.Classify(e); got.Severity != monitor.Low ||
		got.Type != monitor.SyscallBlocked {
		t.Errorf("got %s %s", got.Severity, got.Type)
	}
}

func TestClassifyNeverLowersASeverityNorOverwritesTheCaller(t *testing.T) {
	e := refused("getpriority")
	e.Severity, e.Reason, e.Hint, e.Rule = monitor.Critical, "mine", "mine", "mine"
	got := monitor.Classify(e)
	if got.Severity != monitor.Critical || got.Reason != "mine" || got.Hint != "mine" ||
		got.Rule != "mine" {
		t.Errorf("got %+v", got)
	}
}

func TestABrokenLimitNamesTheFlagThatRaisesIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  int64
		typ    monitor.Type
		reason string
		hint   string
	}{
		{"memory", 256 << 20, monitor.ResourceLimitExceeded, "256MiB", "--memory"},
		{"timeout", 30e3, monitor.TimeoutExceeded, "30s", "--timeout"},
		{"cpu_time", 10e3, monitor.ResourceLimitExceeded, "10s", "--cpu-time"},
		{"cpus", 500, monitor.ResourceLimitExceeded, "0.5", "--cpus"},
		{"file_size", 10 << 20, monitor.ResourceLimitExceeded, "10MiB", "--file-size"},
		{"open_files", 64, monitor.ResourceLimitExceeded, "64",
			"--open-files or limits.open_files"},
		{"output", 1 << 20, monitor.ResourceLimitExceeded, "1MiB", "--output or limits.output"},
	} {
		got := monitor.Classify(monitor.Event{Limit: &monitor.Limit{Name: c.name, Value: c.value,
			Observed: c.value}})
		if got.Type != c.typ || !strings.Contains(got.Reason, c.reason) ||
			!strings.Contains(got.Hint, c.hint) {
			t.Errorf("%s: got %s, %q, %q", c.name, got.Type, got.Reason, got.Hint)
		}
	}
}

// Labels are for people. Detection uses the registers.
func TestTheRegistersDecideNotTheLabels(t *testing.T) {
	e := refused("ptrace", "PTRACE_ATTACH", "1")
	e.Syscall.Args[0] = "PTRACE_TRACEME"
	if got := monitor.Classify(e); got.Type != monitor.EscapeAttempt {
		t.Errorf("PTRACE_ATTACH under another label: %s", got.Type)
	}
	clone := refused("clone", "SIGCHLD")
	clone.Syscall.Args[0] = "CLONE_NEWUSER"
	if got := monitor.Classify(clone); got.Type != monitor.SyscallBlocked {
		t.Errorf("a plain clone under another label: %s", got.Type)
	}
	raw := refused("socket", "0x100000002", "SOCK_RAW", "0") // the kernel reads an int
	if got := monitor.Classify(raw); got.Rule != "builtin:raw-socket" {
		t.Errorf("AF_INET with a dirty upper half: %s", got.Rule)
	}
}
