package decode

import (
	"sort"
	"strings"
)

// shape describes the arguments of a call, one word for each. A word says how wide the kernel reads
// the argument (see its SYSCALL_DEFINE) and how to show it:
//
//	int uint hex fd dirfd mode and the flag words in narrowKind   32 bits
//	size long ptr and the other flag words                         64 bits
//	path str argv sockaddr                                          memory
type shape struct{ name, args string }

// shapes is sorted by name. The arguments of other calls are shown as six hexadecimal numbers and
// compared on 64 bits.
var shapes = [...]shape{
	{"accept", "fd ptr ptr"}, {"accept4", "fd ptr ptr socktype"}, {"access", "path int"}, {"acct",
		"path"},
	{"add_key", "str str ptr size int"}, {"adjtimex", "ptr"}, {"alarm", "uint"}, {"arch_prctl",
		"hex ptr"},
	{"bind", "fd sockaddr int"}, {"bpf", "bpf ptr uint"}, {"brk", "ptr"},
	{"cachestat", "uint ptr ptr hex"}, {"capget", "ptr ptr"}, {"capset", "ptr ptr"}, {"chdir",
		"path"}, {"chmod", "path mode"},
	{"chown", "path int int"}, {"chroot", "path"}, {"clock_adjtime", "int ptr"}, {"clock_getres",
		"int ptr"},
	{"clock_gettime", "int ptr"}, {"clock_nanosleep", "int int ptr ptr"}, {"clock_settime",
		"int ptr"},
	{"clone", "clone ptr ptr ptr ptr"}, {"clone3", "ptr size"}, {"close", "fd"}, {"close_range",
		"uint uint hex"},
	{"connect", "fd sockaddr int"}, {"copy_file_range", "fd ptr fd ptr size hex"}, {"creat",
		"path mode"},
	{"delete_module", "str hex"}, {"dup", "fd"}, {"dup2", "fd fd"}, {"dup3", "fd fd open"},
	{"epoll_create", "int"}, {"epoll_create1", "hex"}, {"epoll_ctl",
		"fd int fd ptr"}, {"epoll_pwait", "fd ptr int int ptr size"},
	{"epoll_wait", "fd ptr int int"}, {"eventfd", "uint"}, {"eventfd2", "uint hex"},
	{"execve", "path argv ptr"}, {"execveat", "dirfd path argv ptr at"}, {"exit",
		"int"}, {"exit_group", "int"},
	{"faccessat", "dirfd path int"}, {"faccessat2", "dirfd path int at"}, {"fadvise64",
		"fd size size int"},
	{"fallocate", "fd hex size size"}, {"fanotify_init", "hex hex"}, {"fanotify_mark",
		"fd hex ptr dirfd path"},
	{"fchdir", "fd"}, {"fchmod", "fd mode"}, {"fchmodat", "dirfd path mode"}, {"fchmodat2",
		"dirfd path mode at"},
	{"fchown", "fd int int"}, {"fchownat", "dirfd path int int at"}, {"fcntl",
		"fd fcntl ptr"}, {"fdatasync", "fd"},
	{"fgetxattr", "fd str ptr size"}, {"file_getattr", "dirfd path ptr size at"}, {"file_setattr",
		"dirfd path ptr size at"},
	{"finit_module", "fd str hex"}, {"flistxattr", "fd ptr size"}, {"flock", "fd hex"}, {"fork",
		""}, {"fremovexattr", "fd str"},
	{"fsconfig", "fd uint str ptr int"}, {"fsetxattr", "fd str ptr size hex"}, {"fsmount",
		"fd hex hex"}, {"fsopen", "str hex"},
	{"fspick", "dirfd path hex"}, {"fstat", "fd ptr"}, {"fstatfs", "fd ptr"}, {"fsync",
		"fd"}, {"ftruncate", "fd size"},
	{"futex", "ptr hex uint ptr ptr uint"}, {"futimesat", "dirfd path ptr"},
	{"get_mempolicy", "ptr ptr size ptr ptr"}, {"get_robust_list", "int ptr ptr"}, {"getcpu",
		"ptr ptr ptr"}, {"getcwd", "ptr size"},
	{"getdents", "fd ptr uint"}, {"getdents64", "fd ptr uint"}, {"getegid", ""}, {"geteuid",
		""}, {"getgid", ""},
	{"getgroups", "int ptr"}, {"getitimer", "int ptr"}, {"getpeername", "fd ptr ptr"}, {"getpgid",
		"int"}, {"getpgrp", ""},
	{"getpid", ""}, {"getppid", ""}, {"getpriority", "int int"}, {"getrandom",
		"ptr size hex"}, {"getresgid", "ptr ptr ptr"},
	{"getresuid", "ptr ptr ptr"}, {"getrlimit", "uint ptr"}, {"getrusage", "int ptr"}, {"getsid",
		"int"}, {"getsockname", "fd ptr ptr"},
	{"getsockopt", "fd int int ptr ptr"}, {"gettid", ""}, {"gettimeofday", "ptr ptr"}, {"getuid",
		""}, {"getxattr", "path str ptr size"},
	{"init_module", "ptr size str"}, {"inotify_add_watch", "fd path hex"}, {"inotify_init",
		""}, {"inotify_init1", "hex"},
	{"inotify_rm_watch", "fd int"}, {"io_cancel", "ptr ptr ptr"}, {"io_destroy",
		"ptr"}, {"io_getevents", "ptr long long ptr ptr"},
	{"io_setup", "uint ptr"}, {"io_submit", "ptr long ptr"}, {"io_uring_enter", "fd uint uint " +
		"hex ptr size"},
	{"io_uring_register", "fd uint ptr uint"}, {"io_uring_setup", "uint ptr"}, {"ioctl",
		"fd ioctl ptr"}, {"ioperm", "ptr size int"},
	{"iopl", "uint"}, {"ioprio_get", "int int"}, {"ioprio_set", "int int int"},
	{"kcmp", "int int int ptr ptr"}, {"kexec_file_load", "fd fd size str hex64"}, {"kexec_load",
		"ptr size ptr hex64"},
	{"keyctl", "keyctl ptr ptr ptr ptr"}, {"kill", "int sig"},
	{"landlock_add_rule", "fd int ptr hex"}, {"landlock_create_ruleset",
		"ptr size hex"}, {"landlock_restrict_self", "fd hex"},
	{"lchown", "path int int"}, {"lgetxattr", "path str ptr size"}, {"link",
		"path path"}, {"linkat", "dirfd path dirfd path at"},
	{"listen", "fd int"}, {"listmount", "ptr ptr size hex"}, {"listxattr",
		"path ptr size"}, {"llistxattr", "path ptr size"},
	{"lookup_dcookie", "ptr ptr size"}, {"lremovexattr", "path str"}, {"lseek",
		"fd long uint"}, {"lsetxattr", "path str ptr size hex"},
	{"lstat", "path ptr"},
	{"madvise", "ptr size int"}, {"mbind", "ptr size ptr ptr size hex"}, {"membarrier",
		"int hex int"}, {"memfd_create", "str hex"},
	{"memfd_secret", "hex"}, {"migrate_pages", "int size ptr ptr"}, {"mincore",
		"ptr size ptr"}, {"mkdir", "path mode"},
	{"mkdirat", "dirfd path mode"}, {"mknod", "path mode uint"}, {"mknodat", "dirfd path mode " +
		"uint"}, {"mlock", "ptr size"},
	{"mlock2", "ptr size hex"}, {"mlockall", "hex"}, {"mmap",
		"ptr size prot map fd64 ptr"}, {"modify_ldt", "int ptr size"},
	{"mount", "path path str mount ptr"}, {"mount_setattr",
		"dirfd path hex ptr size"}, {"move_mount", "dirfd path dirfd path hex"},
	{"move_pages", "int size ptr ptr ptr hex"}, {"mprotect", "ptr size prot"}, {"mq_getsetattr",
		"fd ptr ptr"}, {"mq_notify", "fd ptr"},
	{"mq_open", "str open mode ptr"}, {"mq_unlink", "str"}, {"mremap",
		"ptr size size hex64 ptr"}, {"mseal", "ptr size hex64"},
	{"msgctl", "int int ptr"}, {"msgget", "int hex"}, {"msync", "ptr size hex"}, {"munlock",
		"ptr size"}, {"munlockall", ""},
	{"munmap", "ptr size"}, {"name_to_handle_at", "dirfd path ptr ptr at"}, {"nanosleep",
		"ptr ptr"}, {"newfstatat", "dirfd path ptr at"},
	{"open", "path open mode"}, {"open_by_handle_at", "fd ptr open"}, {"open_tree", "dirfd path " +
		"hex"},
	{"open_tree_attr", "dirfd path hex ptr size"}, {"openat", "dirfd path open mode"}, {"openat2",
		"dirfd path ptr size"},
	{"pause", ""}, {"perf_event_open", "ptr int int fd hex64"}, {"personality",
		"persona"}, {"pidfd_getfd", "fd fd hex"},
	{"pidfd_open", "int hex"}, {"pidfd_send_signal", "fd sig ptr hex"}, {"pipe", "ptr"}, {"pipe2",
		"ptr open"},
	{"pivot_root", "path path"}, {"pkey_alloc", "hex64 hex64"}, {"pkey_free",
		"int"}, {"pkey_mprotect", "ptr size prot int"},
	{"poll", "ptr uint int"}, {"ppoll", "ptr uint ptr ptr size"}, {"prctl", "prctl ptr ptr ptr " +
		"ptr"}, {"pread64", "fd ptr size size"},
	{"prlimit64", "int uint ptr ptr"}, {"process_madvise",
		"fd ptr size int hex"}, {"process_mrelease", "fd hex"},
	{"process_vm_readv", "int ptr size ptr size hex64"}, {"process_vm_writev", "int ptr size ptr " +
		"size hex64"},
	{"ptrace", "ptrace long ptr ptr"}, {"pwrite64", "fd ptr size size"},
	{"quotactl", "uint path int ptr"}, {"quotactl_fd", "fd uint int ptr"},
	{"read", "fd ptr size"}, {"readahead", "fd size size"}, {"readlink",
		"path ptr int"}, {"readlinkat", "dirfd path ptr int"},
	{"readv", "size ptr size"}, {"reboot", "hex hex uint ptr"}, {"recvfrom", "fd ptr size hex " +
		"ptr ptr"}, {"recvmmsg", "fd ptr uint hex ptr"},
	{"recvmsg", "fd ptr hex"}, {"removexattr", "path str"}, {"rename", "path path"}, {"renameat",
		"dirfd path dirfd path"},
	{"renameat2", "dirfd path dirfd path hex"}, {"request_key", "str str str int"}, {"rmdir",
		"path"}, {"rseq", "ptr uint hex uint"},
	{"rt_sigaction", "sig ptr ptr size"}, {"rt_sigprocmask",
		"int ptr ptr size"}, {"rt_sigqueueinfo", "int sig ptr"},
	{"rt_tgsigqueueinfo", "int int sig ptr"},
	{"sched_getaffinity", "int uint ptr"}, {"sched_getattr", "int ptr uint hex"}, {"sched_getparam",
		"int ptr"},
	{"sched_getscheduler", "int"}, {"sched_setaffinity", "int uint ptr"}, {"sched_setattr",
		"int ptr hex"},
	{"sched_setparam", "int ptr"}, {"sched_setscheduler", "int int ptr"}, {"sched_yield",
		""}, {"seccomp", "uint hex ptr"},
	{"semctl", "int int int ptr"}, {"semget", "int int hex"}, {"semop",
		"int ptr uint"}, {"sendfile", "fd fd ptr size"},
	{"sendmmsg", "fd ptr uint hex"}, {"sendmsg", "fd ptr hex"}, {"sendto", "fd ptr size hex " +
		"sockaddr int"},
	{"set_mempolicy", "int ptr size"}, {"set_robust_list", "ptr size"}, {"set_tid_address",
		"ptr"}, {"setdomainname", "str int"},
	{"setfsgid", "int"}, {"setfsuid", "int"}, {"setgid", "int"}, {"setgroups",
		"int ptr"}, {"sethostname", "str int"},
	{"setitimer", "int ptr ptr"}, {"setns", "fd clone32"}, {"setpgid", "int int"}, {"setpriority",
		"int int int"},
	{"setregid", "int int"}, {"setresgid", "int int int"}, {"setresuid",
		"int int int"}, {"setreuid", "int int"},
	{"setrlimit", "uint ptr"}, {"setsid", ""}, {"setsockopt",
		"fd int int ptr int"}, {"settimeofday", "ptr ptr"}, {"setuid", "int"},
	{"setxattr", "path str ptr size hex"}, {"shmat", "int ptr hex"}, {"shmctl",
		"int int ptr"}, {"shmdt", "ptr"},
	{"shmget", "int size hex"}, {"shutdown", "fd int"}, {"sigaltstack", "ptr ptr"}, {"signalfd4",
		"fd ptr size hex"},
	{"socket", "family socktype int"}, {"socketpair", "family socktype int ptr"}, {"splice",
		"fd ptr fd ptr size hex"}, {"stat", "path ptr"},
	{"statfs", "path ptr"}, {"statmount", "ptr ptr size hex"}, {"statx",
		"dirfd path at hex ptr"}, {"swapoff", "path"}, {"swapon", "path hex"},
	{"symlink", "path path"}, {"symlinkat", "path dirfd path"}, {"sync", ""}, {"sync_file_range",
		"fd size size hex"}, {"syncfs", "fd"},
	{"sysfs", "int ptr ptr"}, {"sysinfo", "ptr"}, {"syslog", "int ptr int"},
	{"tee", "fd fd size hex"}, {"tgkill", "int int sig"}, {"time", "ptr"}, {"timer_create",
		"int ptr ptr"}, {"timerfd_create", "int hex"},
	{"times", "ptr"}, {"tkill", "int sig"}, {"truncate", "path size"},
	{"umask", "mode"}, {"umount2", "path hex"}, {"uname", "ptr"}, {"unlink", "path"}, {"unlinkat",
		"dirfd path at"}, {"unshare", "clone"},
	{"uselib", "path"}, {"userfaultfd", "hex"}, {"ustat", "uint ptr"}, {"utime",
		"path ptr"}, {"utimensat", "dirfd path ptr at"},
	{"utimes", "path ptr"}, {"vfork", ""}, {"vhangup", ""}, {"vmsplice", "fd ptr size hex"},
	{"wait4", "int ptr hex ptr"}, {"waitid", "int int ptr hex ptr"}, {"write",
		"fd ptr size"}, {"writev", "size ptr size"},
}

// argKinds returns the words of a call's shape. ok is false for a call without one.
func argKinds(name string) (kinds []string, ok bool) {
	i := sort.Search(len(shapes), func(i int) bool { return shapes[i].name >= name })
	if i == len(shapes) || shapes[i].name != name {
		return nil, false
	}
	return strings.Fields(shapes[i].args), true
}

// narrowKind reports whether the kernel reads such an argument as int or unsigned int.
func narrowKind(kind string) bool {
	switch kind {
	case "int", "uint", "hex", "fd", "dirfd", "mode", "open", "at", "socktype", "family", "clone32",
		"fcntl", "ioctl", "prctl", "keyctl", "bpf", "persona", "sig":
		return true
	}
	return false
}

// Narrow reports whether the kernel reads argument index of the call name on 32 bits.
func Narrow(name string, index int) bool {
	kinds, _ := argKinds(name)
	return index < len(kinds) && narrowKind(kinds[index])
}
