// Package seccomp compiles a policy's syscall rules into a kernel filter, and answers the calls
// that the filter refuses.
//
//	f, err := seccomp.Compile(policy.Syscalls) // pure: nothing is installed
//	install(f.Program())                       // in PID 1: seccomp(2) with NEW_LISTENER
//	l := seccomp.NewListener(fd)               // the supervisor's end
//	stats, err := l.Serve(ctx, func(c *seccomp.Call) seccomp.Answer {
//		report(c)
//		return seccomp.Answer{Errno: c.Errno}
//	})
//	l.Close()
//
// # The decision about a call
//
// If no rule allows a call, the kernel stops it and passes it to the listener
// (SECCOMP_RET_USER_NOTIF), which refuses it. A deny rule wins over every allow rule. For every
// policy:
//
//   - read, write, close, exit, exit_group, rt_sigreturn and restart_syscall are allowed: no
//     process can start or end without them.
//   - clone3 fails with ENOSYS, without a report. Its flags are in memory, where a filter cannot
//     see them. Every C library falls back to clone.
//   - openat2 fails with ENOSYS, unless a policy names it. Its mode, which can have a set-user-ID
//     bit, is in memory. Programs fall back to openat.
//   - The io_uring calls are allowed only if a policy names them. A ring's requests bypass every
//     filter, so neither a group nor default: allow is enough.
//   - Numbers without a name are refused with ENOSYS.
//   - Calls of another architecture (i386 through int 0x80, x32) are refused and reported with the
//     architecture's name.
//
// The filter compares only 32 bits of arguments that the kernel reads as 32 bits wide (see
// table.go), so that upper bits can't bypass a rule. It compares all others on 64 bits.
//
// # libseccomp's part
//
// libseccomp resolves names and builds the program: architecture check, search for the number,
// actions. This package emits the comparison of arguments (emit.go). libseccomp refuses two
// conditions on one argument, and version 2.5.4 allows calls that match none of several overlapping
// rules with arguments. model_test.go compares the result with a simple interpreter on random
// policies.
//
// Compile takes one to a few milliseconds, and more the first time. A start should compile while it
// makes the container, a pool once per policy.
//
// # What it does not protect
//
//   - The filter does not see memory behind a pointer (paths, sockaddrs, clone3's struct). The
//     listener decodes memory for reports, not for decisions: the program may change it between the
//     report and the call.
//   - Filters limit which kernel code is reachable. Other layers limit what an allowed call can
//     reach.
//   - Side channels, and bugs in allowed system calls.
//   - A signal makes a waiting program repeat its call, which counts as one more refusal. The flag
//     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV prevents this.
//   - A refused call waits while nobody serves the listener. After the listener is closed, the call
//     fails with ENOSYS.
//
// Kernel: user notification; package kernel has the version, and those of optional features.
// Sources: seccomp(2), seccomp_unotify(2), Documentation/userspace-api/seccomp_filter.rst.
package seccomp
