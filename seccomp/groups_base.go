package seccomp

// baseGroups: what every program does.
var baseGroups = [...]group{
	{"@default", "what nearly every process calls: identity, time, futexes, its own limits, " +
		"execve, exit",
		`arch_prctl brk cacheflush cachestat clock_getres clock_getres_time64 clock_gettime
			clock_gettime64 clock_nanosleep clock_nanosleep_time64 execve exit exit_group futex
			futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list
			get_thread_area getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups
			getgroups32 getpgid getpgrp getpid getppid getrandom getresgid getresgid32 getresuid
			getresuid32 getrlimit getsid gettid gettimeofday getuid getuid32 map_shadow_stack
			membarrier mmap mmap2 mprotect mseal munmap nanosleep pause prlimit64
			restart_syscall riscv_flush_icache riscv_hwprobe rseq rt_sigreturn sched_getaffinity
			sched_yield set_robust_list set_thread_area set_tid_address set_tls sigreturn time
			ugetrlimit uprobe uretprobe`},
	{"@basic-io", "reading, writing and seeking on descriptors that are already open",
		`_llseek close close_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64
			pwritev pwritev2 read readv write writev`},
	{"@io-event", "waiting for descriptors: poll, select, epoll, eventfd",
		`_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait
			epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 poll ppoll ppoll_time64
			pselect6 pselect6_time64 select`},
	{"@sync", "flushing files and memory to storage",
		`fdatasync fsync msync sync sync_file_range sync_file_range2 syncfs`},
	{"@timer", "alarms and timers",
		`alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime
			timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
			timerfd_gettime64 timerfd_settime timerfd_settime64 times`},
	{"@signal", "handling, sending and waiting for signals",
		`rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait
			rt_sigtimedwait_time64 sigaction sigaltstack signal signalfd signalfd4 sigpending
			sigprocmask sigsuspend`},
	{"@memlock", "locking pages in memory",
		`mlock mlock2 mlockall munlock munlockall`},
	{"@pkey", "memory protection keys",
		`pkey_alloc pkey_free pkey_mprotect`},
}
