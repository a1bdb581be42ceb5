package seccomp

// processGroups: processes, identity, confinement.
var processGroups = [...]group{
	{"@process", "creating, signalling and waiting for processes; unshare and setns are in it",
		`capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl
			rt_sigqueueinfo rt_tgsigqueueinfo setns swapcontext tgkill times tkill unshare vfork
			wait4 waitid waitpid`},
	{"@resources", "limits, priorities, schedulers, NUMA placement",
		`ioprio_set mbind migrate_pages move_pages nice sched_setaffinity sched_setattr
			sched_setparam sched_setscheduler set_mempolicy set_mempolicy_home_node setpriority
			setrlimit`},
	{"@setuid", "changing user and group ids",
		`setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32
			setresuid setresuid32 setreuid setreuid32 setuid setuid32`},
	{"@sandbox", "a program confining itself: seccomp, Landlock",
		`landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`},
	{"@debug", "tracing other processes, performance counters",
		`lookup_dcookie perf_event_open pidfd_getfd ptrace rtas s390_runtime_instr
			sys_debug_setcontext`},
}
