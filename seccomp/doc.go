// Package seccomp compiles a policy's syscall rules into a kernel filter, and answers the calls
// that the filter refuses.
//
//	f, err := seccomp.Compile(policy.Syscalls) // pure: nothing is installed
//
// PID 1 of the sandbox: seccomp(2) with NEW_LISTENER
//
//	install(f.Program())
//	l := seccomp.NewListener(fd)               // the supervisor's end
//	stats, err := l.Serve(ctx, func(c *seccomp.Call) seccomp.Answer {
//		report(c)
//		return seccomp.Answer{Errno: c.Errno}
//	})
//	l.Close()
//
// # How a call is judged
//
// A call that no rule allows is refused by the kernel and passed to the listener
// (SECCOMP_RET_USER_NOTIF). A deny rule wins over every allow rule. These rules hold for every
// policy:
//
//   - read, write, close, exit, exit_group, rt_sigreturn and restart_syscall are allowed: no
//     process can start or end without them.
//   - clone3 answers ENOSYS, unreported. Its flags are in memory, where a filter cannot see them,
//     and every libc falls back to clone.
//   - openat2 answers ENOSYS, unless a policy names it. Its mode, which can have a set-user-ID bit,
//     is in memory. Programs fall back to openat.
//   - The io_uring calls are allowed only if a policy names them. A ring's requests bypass every
//     filter, so neither a group nor default: allow is enough.
//   - Numbers without a name are refused with ENOSYS.
//   - Calls of another architecture (i386 through int 0x80, x32) are refused and reported with the
//     architecture's name.
//
// Arguments that the kernel reads as 32 bits wide (see table.go) are compared on these 32 bits, so
// that no upper bit gets past a rule. All others are compared on 64 bits.
//
// # Who compiles what
//
// libseccomp resolves names and builds the program: architecture check, search for the number,
// actions. This package emits the comparison of arguments (emit.go). libseccomp refuses two
// conditions on one argument, and version 2.5.4 allows calls that match none of several overlapping
// rules with arguments. model_test.go compares the result with a simple reading of random policies.
//
// Compile takes one to a few milliseconds, the first time more. A start should do it while the
// container is made, a pool once per policy.
//
// # What it does not protect
//
//   - The filter does not see memory behind a pointer (paths, sockaddrs, clone3's struct). What the
//     listener decodes is for reports, not for decisions: the program may change it between the
//     report and the call.
//   - Filters limit which kernel code is reachable. What an allowed call reaches is up to other
//     layers.
//   - Side channels, and bugs in allowed system calls.
//   - A signal makes a waiting program repeat its call, which counts as one more refusal. The flag
//     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV prevents this.
//   - A refused call waits while nobody serves the listener. After the listener is closed it fails
//     with ENOSYS.
//
// Kernel: user notification; package kernel has the version, and those of optional features.
// Sources: seccomp(2), seccomp_unotify(2), Documentation/userspace-api/seccomp_filter.rst.
package seccomp
