// Calls every system call number from 0 to 600 with the same six arguments, null or junk, and prints "number errno"
// for each (0: it succeeded). What is skipped would end the sweeper or make it wait for ever, see skip().

static sigjmp_buf back;
static void caught(int signal) { siglongjmp(back, 1); }

static int skip(long nr, int junk) {
	switch (nr) {
	case SYS_exit: case SYS_exit_group: // end it
	case SYS_rt_sigreturn:              // goes on wherever the stack says
	case SYS_pause:                     // waits for a signal
	case SYS_sync:                      // flushes the disks of the whole host
		return 1;
	case SYS_select: case SYS_pselect6: case SYS_ppoll: // null: wait for nothing, without a limit
	case SYS_msgrcv:                                    // null: from the queue that msgget has just made
		return !junk;
	}
	return 0;
}

// Inline, for a child of vfork runs on the same stack.
static inline __attribute__((always_inline)) long raw(long nr, long a) {
	long r;
	register long a4 __asm__("r10") = a, a5 __asm__("r8") = a, a6 __asm__("r9") = a;
	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(a), "d"(a), "r"(a4), "r"(a5), "r"(a6) : "rcx", "r11", "memory");
	return r;
}

static void attack(int argc, char **argv) {
	int junk = !strcmp(argv[1], "junk");
	long argument = junk ? 0x5a5a5a5a5a5a5a5a : 0; // as a pointer not canonical, as a descriptor or process unused
	static long result[601];
	long me = raw(SYS_getpid, 0);
	int faults[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE, SIGSYS};
	for (int i = 0; i < 6; i++) {
		struct sigaction act = {.sa_handler = caught, .sa_flags = SA_NODEFER};
		sigaction(faults[i], &act, NULL);
	}
	for (volatile long nr = 0; nr <= 600; nr++) {
		if (skip(nr, junk)) continue;
		if (sigsetjmp(back, 1)) { result[nr] = 4095; continue; } // a fault: it was executed
		long r = raw(nr, argument);
		if (raw(SYS_getpid, 0) != me) raw(SYS_exit_group, 0); // a child of fork, vfork or clone
		result[nr] = r;
	}
	for (long nr = 0; nr <= 600; nr++)
		if (!skip(nr, junk)) printf("%ld %ld\n", nr, result[nr] < 0 && result[nr] > -4096 ? -result[nr] : 0);
}
