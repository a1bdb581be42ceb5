// Package seccomp turns a policy's syscall rules into a kernel filter, and
// answers what that filter refuses.
//
//	f, err := seccomp.Compile(policy.Syscalls)     // pure: nothing is installed
//	install(f.Program())                           // PID 1 of the sandbox: seccomp(2) with NEW_LISTENER
//	l := seccomp.NewListener(fd)                   // the supervisor's end
//	stats, err := l.Serve(ctx, func(c *seccomp.Call) seccomp.Answer { report(c); return seccomp.Answer{Errno: c.Errno} })
//	l.Close()
//
// # How a call is judged
//
// A call is refused by the kernel and put to the listener (SECCOMP_RET_USER_NOTIF)
// unless a rule allows it; a deny rule wins over every allow rule. Whatever the policy:
//
//   - read, write, close, exit, exit_group, rt_sigreturn and restart_syscall are
//     allowed: without them a process cannot even be started or ended;
//   - clone3 answers ENOSYS, unreported: its flags are in memory, where a filter
//     cannot see them, and every libc falls back to clone;
//   - openat2 answers ENOSYS, unless a policy names it: its mode is in memory, and
//     with it a set-user-ID bit; every program that knows it falls back to openat;
//   - io_uring is open only to a policy that names its calls: what a ring does
//     passes no filter, so neither a group nor default: allow opens it;
//   - numbers nobody had a name for when this was written are refused with ENOSYS;
//   - calls of another architecture (i386 through int 0x80, x32) are refused and
//     reported with the architecture's name.
//
// Arguments that the kernel reads as 32 bits wide (see table.go) are compared on
// these 32 bits, so that no set upper bit slips past a rule; all others on 64.
//
// # Who compiles what
//
// libseccomp resolves names and builds the program: architecture check, search for
// the number, actions. The comparison of arguments is emitted here (emit.go), because
// libseccomp refuses two conditions on one argument and, in 2.5.4, lets calls
// through that match none of several overlapping multi-argument rules. model_test.go
// holds the result against a plain reading of random policies.
//
// Compile takes one to a few milliseconds (the first time in a process, the longer):
// a start should do it beside the container's, and a pool once per policy.
//
// # What this does not protect
//
//   - Memory behind a pointer (paths, sockaddrs, clone3's struct) is not seen by the
//     filter; what the listener decodes is for reports, never for decisions: the
//     program may change it between the report and the call.
//   - Whatever an allowed call reaches: filters limit the kernel's surface, the
//     file system and the network are other layers' work.
//   - Timing and cache side channels, and bugs in allowed system calls.
//   - A signal makes a waiting program start its call over, which shows as one more
//     refusal, unless the filter is installed with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (5.19).
//   - A call that is denied while nobody serves the listener waits; once the
//     listener is closed it fails with ENOSYS.
//
// Kernel: user notification 5.0, Answer.Continue 5.5, quick wake-ups 6.6 (used when
// there). Sources: seccomp(2), seccomp_unotify(2), Documentation/userspace-api/seccomp_filter.rst.
package seccomp
