package monitor

import "golang.org/x/sys/unix"

// never is the hint for calls that no policy should allow.
const never = "this can't be allowed safely: a tool that needs it does not belong in this sandbox"

var namespaceClass = class{"builtin:namespaces", EscapeAttempt, High,
	"asked for new namespaces, where it would hold capabilities against the kernel",
	"this can't be allowed safely; a browser wants them for its own sandbox: start it with " +
		"--no-sandbox, and --policy browser"}

// newNamespaces are the flags of clone(2) that make a namespace.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

const hintDebug = "a debugger needs syscalls.allow: [ptrace]; for LeakSanitizer, --env " +
	"ASAN_OPTIONS=detect_leaks=0"

// syscallClass is Classify's table by the call's name. It is a switch, so a start does not have to
// build a map.
func syscallClass(e Event) class {
	s := e.Syscall
	esc := func(rule string, severity Severity, reason string) class {
		return class{"builtin:" + rule, EscapeAttempt, severity, reason, never}
	}
	denied := func(rule string, severity Severity, reason, hint string) class {
		return class{"builtin:" + rule, PermissionDenied, severity, reason, hint}
	}
	blocked := class{typ: SyscallBlocked, severity: Medium,
		reason: "the policy does not allow this call"}

	switch s.Name {
	case "clone":
		if s.Raw[0]&newNamespaces != 0 {
			return namespaceClass
		}
	case "unshare":
		return namespaceClass
	case "setns":
		return esc("namespaces", High, "tried to enter the namespaces of another process")
	case "pivot_root", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsmount", "fsconfig",
		"fspick", "mount_setattr":
		return esc("mounts", High, "tried to change the sandbox's mounts")
	case "mount", "umount", "umount2":
		return denied("mount", High, "tried to change what is mounted",
			"to give the tool a folder: filesystem.mounts, or --mount SRC:DST")
	case "chroot":
		return denied("chroot", Medium, "tried to change its root directory", "")
	case "inotify_add_watch":
		return denied("watch", Low, "tried to watch files that it may only read: a watch tells "+
			"what the host does to them", "file watchers work in folders that are mounted rw")
	case "seccomp", "prctl":
		if e.Action == "allowed" {
			return class{"builtin:own-filter", SuspiciousBehavior, Low,
				"installed a syscall filter of its own: calls that this filter refuses are not " +
					"executed, and not reported", ""}
		}
	case "fanotify_init", "fanotify_mark":
		return denied("watch", Medium, "tried to watch whole mounts or file systems", "")
	case "mknod", "mknodat":
		return denied("device-node", Medium, "tried to make a device node or special file",
			allowHint(s.Name))

	case "ptrace":
		if s.Raw[0] != unix.PTRACE_TRACEME {
			if s.Own {
				return class{"builtin:debugger", SyscallBlocked, Medium,
					"tried to debug one of its own processes, as debuggers, crash reporters and " +
						"LeakSanitizer do", hintDebug}
			}
			return esc("ptrace", High, "tried to take control of another process")
		}
		blocked.rule, blocked.reason = "builtin:debugger", "asked to be debugged by its parent"
	case "process_vm_readv", "process_vm_writev", "process_madvise":
		if s.Own && s.Name != "process_madvise" {
			return class{"builtin:debugger", SyscallBlocked, Medium,
				"tried to read one of its own processes, as debuggers and crash reporters do",
				hintDebug}
		}
		return esc("process-memory", High, "tried to access the memory of another process")
	case "pidfd_getfd", "kcmp":
		return esc("process-files", High,
			"tried to take or compare the open files of another process")
	case "open_by_handle_at":
		return esc("file-handle", Critical,
			"tried to open a file by handle, which ignores paths and mounts (the escape known as "+
				"Shocker)")

	case "init_module", "finit_module", "delete_module", "create_module":
		return esc("kernel-module", Critical, "tried to load or unload a kernel module")
	case "kexec_load", "kexec_file_load":
		return esc("kexec", Critical, "tried to replace the running kernel")
	case "keyctl", "add_key", "request_key":
		return esc("keyring", High,
			"tried to use the kernel's keyrings, which no namespace separates")
	case "bpf":
		return esc("bpf", High, "tried to load or use BPF in the kernel")
	case "userfaultfd":
		return esc("userfaultfd", High, "asked for userfaultfd, which kernel exploits use")
	case "perf_event_open":
		return esc("perf", High, "asked for performance counters, which observe the kernel and "+
			"other processes")
	case "io_uring_setup":
		return class{"builtin:io-uring", SyscallBlocked, Low,
			"asked for io_uring, whose requests bypass the filter; Node.js (libuv) tries it at " +
				"start and works without it", ""}
	case "io_uring_enter", "io_uring_register":
		return esc("io-uring", High, "tried to use io_uring, whose requests bypass the filter")

	case "settimeofday", "stime", "clock_settime", "clock_settime64":
		return esc("clock", High, "tried to set the clock of the host")
	case "adjtimex", "clock_adjtime", "clock_adjtime64":
		return esc("clock", Medium, "tried to read or adjust the host's clock parameters")
	case "reboot":
		return esc("reboot", Critical, "tried to reboot")
	case "swapon", "swapoff":
		return esc("swap", High, "tried to change the host's swap space")
	case "iopl", "ioperm":
		return esc("ports", Critical, "asked for direct access to the hardware")
	case "syslog":
		switch s.word(0) {
		// READ, READ_ALL, SIZE_UNREAD, SIZE_BUFFER: what dmesg asks for. syslog(2)
		case 2, 3, 9, 10:
			return denied("kernel-log", Medium,
				"tried to read the kernel's log, which is the host's", "")
		}
		return esc("host-administration", High, "tried to administer the host")
	case "acct", "quotactl", "quotactl_fd", "lookup_dcookie", "sethostname", "setdomainname",
		"vhangup", "nfsservctl", "uselib", "_sysctl":
		return esc("host-administration", High, "tried to administer the host")

	case "socket", "socketpair":
		return socketClass(s)
	case "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
		"recvfrom", "recvmsg", "recvmmsg", "getsockopt", "setsockopt":
		return denied("network", Medium, "tried to use the network, which the policy forbids",
			allowNetwork)
	}
	if e.Action == "ENOSYS" {
		blocked.severity, blocked.reason = Low, "answered as if the kernel did not have this "+
			"call; programs fall back to an older one"
	}
	blocked.hint = allowHint(s.Name)
	return blocked
}

const allowNetwork = `to allow it: syscalls.allow: ["@network-io"]; ` +
	`to reach more than lo: network: {mode: host}`

func socketClass(s *Syscall) class {
	c := class{"builtin:network", PermissionDenied, Medium,
		"tried to open a socket, which the policy does not allow", allowNetwork}
	family := s.word(0)
	switch family {
	case unix.AF_PACKET, unix.AF_ALG, unix.AF_VSOCK, unix.AF_XDP, unix.AF_KEY, unix.AF_TIPC,
		unix.AF_RDS, unix.AF_CAN, unix.AF_NFC, unix.AF_SMC, unix.AF_KCM,
		unix.AF_QIPCRTR, unix.AF_BLUETOOTH, unix.AF_IB, unix.AF_LLC:
		c.rule, c.severity, c.hint = "builtin:rare-socket", High, ""
		c.reason = "tried to open a " + s.label(0) +
			" socket: ordinary tools do not use it, exploits do"
	case unix.AF_NETLINK:
		c.reason = "tried to open a netlink socket, as programs do to list network interfaces"
	case unix.AF_UNIX:
		c.reason, c.hint = "tried to open a Unix socket, which the policy does not allow",
			"to allow it: syscalls.allow: [socket]"
	}
	if s.word(1)&0xf == unix.SOCK_RAW && (family == unix.AF_INET || family == unix.AF_INET6) {
		c.rule, c.severity, c.hint = "builtin:raw-socket", High, ""
		if p := s.word(2); p == unix.IPPROTO_ICMP || p == unix.IPPROTO_ICMPV6 {
			c.severity, c.reason = Medium, "tried to open a raw socket for ICMP, as ping does"
			return c
		}
		c.reason = "tried to open a raw socket, which can forge and read packets"
	}
	return c
}
