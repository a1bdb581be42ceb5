package seccomp

// adminGroups: the machine itself.
var adminGroups = [...]group{
	{"@clock", "setting the system's clocks",
		`adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday`},
	{"@cpu-emulation", "vm86, segment tables and the like: rare, and old attack surface",
		`modify_ldt subpage_prot switch_endian vm86 vm86old`},
	{"@module", "loading code into the kernel",
		`delete_module finit_module init_module`},
	{"@obsolete", "calls that nothing current uses",
		`_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg gtty
			idle lock mpx prof profil putpmsg query_module security sgetmask ssetmask stime stty
			sysfs tuxcall ulimit uselib ustat vserver`},
	{"@privileged", "calls that need a capability: nothing of use to a tool",
		`@chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset chroot
			fanotify_init fanotify_mark nfsservctl open_by_handle_at pivot_root quotactl
			quotactl_fd setdomainname setfsuid setfsuid32 setgroups setgroups32 sethostname
			setresuid setresuid32 setreuid setreuid32 setuid setuid32 vhangup`},
	{"@raw-io", "I/O ports and PCI configuration",
		`ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write s390_pci_mmio_read
			s390_pci_mmio_write`},
	{"@reboot", "restarting the machine, loading another kernel",
		`kexec_file_load kexec_load reboot`},
	{"@system-service", "a reasonable set for an ordinary service",
		`@aio @basic-io @chown @default @file-system @io-event @ipc @keyring @memlock
			@network-io @process @resources @setuid @signal @sync @timer arm_fadvise64_64 capget
			capset copy_file_range fadvise64 fadvise64_64 flock get_mempolicy getcpu getpriority
			ioctl ioprio_get kcmp madvise mremap name_to_handle_at oldolduname olduname
			personality readahead readdir remap_file_pages sched_get_priority_max
			sched_get_priority_min sched_getattr sched_getparam sched_getscheduler
			sched_rr_get_interval sched_rr_get_interval_time64 sched_yield sendfile sendfile64
			setfsgid setfsgid32 setfsuid setfsuid32 setpgid setsid splice sysinfo tee umask
			uname userfaultfd vmsplice`},
}
