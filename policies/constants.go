package policies

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/nearest"
)

type constant struct {
	name  string
	value uint64
}

// constants are the names that argument rules may use for value and mask. An array of constants
// costs nothing at start.
var constants = [...]constant{
	{"CLONE_VM", unix.CLONE_VM},
	{"CLONE_FS", unix.CLONE_FS},
	{"CLONE_FILES", unix.CLONE_FILES},
	{"CLONE_SIGHAND", unix.CLONE_SIGHAND},
	{"CLONE_PARENT", unix.CLONE_PARENT},
	{"CLONE_THREAD", unix.CLONE_THREAD},
	{"CLONE_VFORK", unix.CLONE_VFORK},
	{"CLONE_NEWTIME", unix.CLONE_NEWTIME},
	{"CLONE_NEWNS", unix.CLONE_NEWNS},
	{"CLONE_NEWCGROUP", unix.CLONE_NEWCGROUP},
	{"CLONE_NEWUTS", unix.CLONE_NEWUTS},
	{"CLONE_NEWIPC", unix.CLONE_NEWIPC},
	{"CLONE_NEWUSER", unix.CLONE_NEWUSER},
	{"CLONE_NEWPID", unix.CLONE_NEWPID},
	{"CLONE_NEWNET", unix.CLONE_NEWNET},
	{"CLONE_IO", unix.CLONE_IO},
	{"AF_UNSPEC", unix.AF_UNSPEC},
	{"AF_UNIX", unix.AF_UNIX},
	{"AF_INET", unix.AF_INET},
	{"AF_INET6", unix.AF_INET6},
	{"AF_NETLINK", unix.AF_NETLINK},
	{"AF_PACKET", unix.AF_PACKET},
	{"AF_ALG", unix.AF_ALG},
	{"AF_VSOCK", unix.AF_VSOCK},
	{"AF_XDP", unix.AF_XDP},
	{"SOCK_STREAM", unix.SOCK_STREAM},
	{"SOCK_DGRAM", unix.SOCK_DGRAM},
	{"SOCK_RAW", unix.SOCK_RAW},
	{"SOCK_SEQPACKET", unix.SOCK_SEQPACKET},
	{"SOCK_PACKET", unix.SOCK_PACKET},
	{"NETLINK_ROUTE", unix.NETLINK_ROUTE},
	{"IPPROTO_TCP", unix.IPPROTO_TCP},
	{"IPPROTO_UDP", unix.IPPROTO_UDP},
	{"IPPROTO_MPTCP", unix.IPPROTO_MPTCP},
	{"TIOCSTI", unix.TIOCSTI},
	{"TIOCLINUX", unix.TIOCLINUX},
	{"TIOCSCTTY", unix.TIOCSCTTY},
	{"TIOCSETD", unix.TIOCSETD},
	{"TIOCCONS", unix.TIOCCONS},
	{"FIOCLEX", 0x5451},  // not in x/sys
	{"FIONCLEX", 0x5450}, // not in x/sys
	{"FIONREAD", 0x541b}, // not in x/sys
	{"FIONBIO", 0x5421},  // not in x/sys
	{"TCGETS", unix.TCGETS},
	{"TCSETS", unix.TCSETS},
	{"TCSETSW", unix.TCSETSW},
	{"TCSETSF", unix.TCSETSF},
	{"TIOCGWINSZ", unix.TIOCGWINSZ},
	{"TIOCSWINSZ", unix.TIOCSWINSZ},
	{"TIOCGPGRP", unix.TIOCGPGRP},
	{"TIOCSPGRP", unix.TIOCSPGRP},
	{"PR_SET_KEEPCAPS", unix.PR_SET_KEEPCAPS},
	{"PR_CAP_AMBIENT_IS_SET", unix.PR_CAP_AMBIENT_IS_SET},
	{"PR_CAP_AMBIENT_LOWER", unix.PR_CAP_AMBIENT_LOWER},
	{"PR_CAP_AMBIENT_RAISE", unix.PR_CAP_AMBIENT_RAISE},
	{"PR_CAP_AMBIENT_CLEAR_ALL", unix.PR_CAP_AMBIENT_CLEAR_ALL},
	{"PR_GET_AUXV", unix.PR_GET_AUXV},
	{"PR_GET_TSC", unix.PR_GET_TSC},
	{"PR_SET_TSC", unix.PR_SET_TSC},
	{"PR_GET_TIMING", unix.PR_GET_TIMING},
	{"PR_GET_TID_ADDRESS", unix.PR_GET_TID_ADDRESS},
	{"PR_GET_IO_FLUSHER", unix.PR_GET_IO_FLUSHER},
	{"PR_GET_MEMORY_MERGE", unix.PR_GET_MEMORY_MERGE},
	{"PR_MCE_KILL_GET", unix.PR_MCE_KILL_GET},
	{"PR_SET_MDWE", unix.PR_SET_MDWE},
	{"PR_GET_MDWE", unix.PR_GET_MDWE},
	{"PR_TASK_PERF_EVENTS_DISABLE", unix.PR_TASK_PERF_EVENTS_DISABLE},
	{"PR_SPEC_DISABLE", unix.PR_SPEC_DISABLE},
	{"PR_SPEC_FORCE_DISABLE", unix.PR_SPEC_FORCE_DISABLE},
	{"PR_SET_PDEATHSIG", unix.PR_SET_PDEATHSIG},
	{"PR_GET_PDEATHSIG", unix.PR_GET_PDEATHSIG},
	{"PR_GET_DUMPABLE", unix.PR_GET_DUMPABLE},
	{"PR_SET_DUMPABLE", unix.PR_SET_DUMPABLE},
	{"PR_GET_KEEPCAPS", unix.PR_GET_KEEPCAPS},
	{"PR_SET_NAME", unix.PR_SET_NAME},
	{"PR_GET_NAME", unix.PR_GET_NAME},
	{"PR_GET_SECCOMP", unix.PR_GET_SECCOMP},
	{"PR_SET_SECCOMP", unix.PR_SET_SECCOMP},
	{"PR_CAPBSET_READ", unix.PR_CAPBSET_READ},
	{"PR_CAPBSET_DROP", unix.PR_CAPBSET_DROP},
	{"PR_GET_SECUREBITS", unix.PR_GET_SECUREBITS},
	{"PR_SET_SECUREBITS", unix.PR_SET_SECUREBITS},
	{"PR_SET_TIMERSLACK", unix.PR_SET_TIMERSLACK},
	{"PR_GET_TIMERSLACK", unix.PR_GET_TIMERSLACK},
	{"PR_SET_MM", unix.PR_SET_MM},
	{"PR_SET_CHILD_SUBREAPER", unix.PR_SET_CHILD_SUBREAPER},
	{"PR_GET_CHILD_SUBREAPER", unix.PR_GET_CHILD_SUBREAPER},
	{"PR_SET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS},
	{"PR_GET_NO_NEW_PRIVS", unix.PR_GET_NO_NEW_PRIVS},
	{"PR_SET_THP_DISABLE", unix.PR_SET_THP_DISABLE},
	{"PR_GET_THP_DISABLE", unix.PR_GET_THP_DISABLE},
	{"PR_CAP_AMBIENT", unix.PR_CAP_AMBIENT},
	{"PR_GET_SPECULATION_CTRL", unix.PR_GET_SPECULATION_CTRL},
	{"PR_SET_SPECULATION_CTRL", unix.PR_SET_SPECULATION_CTRL},
	{"PR_SET_PTRACER", unix.PR_SET_PTRACER},
	{"PR_SET_VMA", unix.PR_SET_VMA},
	{"PR_SET_SYSCALL_USER_DISPATCH", unix.PR_SET_SYSCALL_USER_DISPATCH},
	{"ADDR_NO_RANDOMIZE", 0x40000}, // not in x/sys
	{"PROT_READ", unix.PROT_READ},
	{"PROT_WRITE", unix.PROT_WRITE},
	{"PROT_EXEC", unix.PROT_EXEC},
	{"O_RDONLY", unix.O_RDONLY},
	{"O_WRONLY", unix.O_WRONLY},
	{"O_RDWR", unix.O_RDWR},
	{"O_CREAT", unix.O_CREAT},
	{"O_TRUNC", unix.O_TRUNC},
	{"O_APPEND", unix.O_APPEND},
	{"O_ACCMODE", unix.O_ACCMODE},
	{"O_TMPFILE", unix.O_TMPFILE},
	{"S_IFMT", unix.S_IFMT},
	{"S_IFBLK", unix.S_IFBLK},
	{"S_IFCHR", unix.S_IFCHR},
	{"RENAME_WHITEOUT", unix.RENAME_WHITEOUT},
	{"F_SETLEASE", unix.F_SETLEASE},
	{"F_SETDELEG", 1040}, // linux/fcntl.h, Linux 6.19
	{"F_NOTIFY", unix.F_NOTIFY},
	{"MAP_HUGETLB", unix.MAP_HUGETLB},
	{"MFD_HUGETLB", unix.MFD_HUGETLB},
	{"SHM_HUGETLB", 0o4000},          // linux/shm.h
	{"FS_IOC_GETFSUUID", 0x80111500}, // linux/fs.h, Linux 6.9
	{"S_ISUID", unix.S_ISUID},
	{"S_ISGID", unix.S_ISGID},
	{"O_PATH", unix.O_PATH},
	{"O_CLOEXEC", unix.O_CLOEXEC},
	{"O_DIRECTORY", unix.O_DIRECTORY},
	{"SCHED_OTHER", unix.SCHED_NORMAL},
	{"SCHED_BATCH", unix.SCHED_BATCH},
	{"SCHED_IDLE", unix.SCHED_IDLE},
	{"MAP_SHARED", unix.MAP_SHARED},
	{"MAP_PRIVATE", unix.MAP_PRIVATE},
	{"MAP_ANONYMOUS", unix.MAP_ANONYMOUS},
}

// Constant returns the value of a constant of the kernel's headers, such as AF_UNIX.
func Constant(name string) (uint64, bool) {
	for _, c := range constants {
		if c.name == name {
			return c.value, true
		}
	}
	return 0, false
}

// parseNumber reads numbers (decimal, 0x, 0o) and names, joined by |.
func parseNumber(text string) (uint64, error) {
	var sum uint64
	for part := range strings.SplitSeq(text, "|") {
		part = strings.TrimSpace(part)
		n, ok := Constant(part)
		if !ok && part != "" && part[0] >= '0' && part[0] <= '9' {
			var err error
			if n, err = strconv.ParseUint(part, 0, 64); err != nil {
				return 0, fmt.Errorf("%q is not a number of 64 bits", part)
			}
			ok = true
		}
		if !ok {
			return 0, hint.Errorf(suggestConstant(part), "unknown constant %q", part)
		}
		sum |= n
	}
	return sum, nil
}

func suggestConstant(name string) string {
	names := make([]string, len(constants))
	for i, c := range constants {
		names[i] = c.name
	}
	if n := nearest.Word(name, names); n != "" {
		return "did you mean " + n + "?"
	}
	return "write the number, such as 0x5412"
}
