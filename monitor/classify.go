package monitor

import (
	"cmp"
	"fmt"
	"strings"
)

// Classify sets an event's type, severity, reason and hint. It is a pure function: equal events get
// equal results. It may raise the severity that the caller has set, but never lowers it.
//
//	refused                                              class               severity
//	-----------------------------------------------------------------------------------------
//	any call through a foreign architecture's table      escape_attempt      high
//	a sensitive path in the arguments                    escape_attempt      high or critical
//	unshare, setns, clone with CLONE_NEW*, pivot_root,
//	move_mount, open_tree, fsopen, fsmount, …            escape_attempt      high
//	ptrace and memory of another process, pidfd_getfd    escape_attempt      high
//	… of one of the tool's own (Syscall.Own)             syscall_blocked     medium
//	open_by_handle_at, modules, kexec, keys, bpf,
//	userfaultfd, time, reboot, swap, ports               escape_attempt      high or critical
//	syslog: clears or silences the kernel's log; acct,
//	quotactl, sethostname …                              escape_attempt      high
//	syslog: reads it, as dmesg does                      permission_denied   medium
//	mount, umount2, chroot, mknod                        permission_denied   high or medium
//	inotify_add_watch: watchers try it on what is there  permission_denied   low
//	fanotify                                             permission_denied   medium
//	socket families                                      permission_denied   medium (rare: high)
//	connect, bind, listen … where no sockets are allowed permission_denied   medium
//	io_uring_setup: libuv probes it at every start       syscall_blocked     low
//	clone3 and other calls answered with ENOSYS          syscall_blocked     low
//	a look-up or connection without a network            permission_denied   low
//	everything else                                      syscall_blocked     medium
func Classify(e Event) Event {
	switch {
	case e.Syscall != nil:
		return classifySyscall(e)
	case e.Limit != nil:
		return classifyLimit(e)
	case e.Network != nil:
		e.Type, e.Severity = cmp.Or(e.Type, PermissionDenied), cmp.Or(e.Severity, Medium)
		return e
	}
	if e.Rule == RuleNoNetwork { // ordinary: telemetry, looks for updates
		return e
	}
	if e.Type == "" {
		e.Type = SyscallBlocked
	}
	e.Severity = Worse(Medium, e.Severity)
	return e
}

// class is one row of detection.
type class struct {
	rule     string
	typ      Type
	severity Severity
	reason   string
	hint     string
}

func classifySyscall(e Event) Event {
	if e.Syscall.Name == "" { // newer than the tables
		s := *e.Syscall
		s.Name = fmt.Sprintf("syscall_%d", s.Number)
		e.Syscall = &s
	}
	c := syscallClass(e)
	if e.Syscall.Arch != "" {
		c = class{"builtin:foreign-arch", EscapeAttempt, High,
			"called through the " + e.Syscall.Arch +
				" table, in which the numbers mean other calls, to get around the filter", never}
	}
	if p, ok := sensitivePath(e.Syscall); ok {
		c = class{"builtin:sensitive-path", EscapeAttempt, Worse(c.severity, p.severity), p.reason,
			never}
	}
	if e.Type == "" || e.Type == SyscallBlocked {
		e.Type = c.typ
	}
	e.Severity = Worse(e.Severity, c.severity)
	if e.Rule == "" {
		e.Rule = c.rule
	}
	if e.Reason == "" {
		e.Reason = c.reason
	}
	if e.Hint == "" {
		e.Hint = c.hint
	}
	return e
}

// word returns an argument that the kernel reads as an int: it ignores the upper half of the
// register.
func (s *Syscall) word(i int) uint32 { return uint32(s.Raw[i]) }

// label returns an argument in its form for people.
func (s *Syscall) label(i int) string {
	if i < len(s.Args) {
		return s.Args[i]
	}
	return fmt.Sprintf("%#x", s.Raw[i])
}

// allowHint returns the policy line that allows the call. A call without a name has none.
func allowHint(name string) string {
	if name == "" || name[0] >= '0' && name[0] <= '9' || strings.HasPrefix(name, "syscall_") ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return ""
	}
	return "to allow it: syscalls.allow: [" + name + "]"
}
