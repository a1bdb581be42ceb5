// Package reopen lets a tool open its own standard streams again, with /dev/stdout, /dev/fd/1 or
// /proc/self/fd/1, as it can without a sandbox. The kernel checks the file's owner and mode for
// such an open, and the files belong to the caller. So the kernel refuses a tool with other ids,
// and Landlock refuses files outside of the sandbox.
//
//	s := reopen.New(fds, toolUID, toolGID) // before the spawn; pipes are widened here
//	program := filter.ProgramWith(s.Opens()) // what the kernel would refuse comes to the listener
//	rights := s.Landlock(i)                             // a rule for the file behind descriptor i
//	if answer, ok := s.Answer(call, pid); ok { … }      // in the listener's loop
//
// A stream can only be opened with the access that its descriptor has:
//
//   - A pipe that the tool reads gets the tool's uid as its owner, readable only. A pipe that it
//     writes becomes writable for others. Only processes with a descriptor can reach it, because
//     pipes have no name on the host.
//   - A file or terminal is not changed. The open goes to the supervisor, which finds the file of
//     the thread's descriptor, opens this file, and passes the descriptor to the tool
//     (SECCOMP_ADDFD).
//
// Not handled: links to /dev/stdout under other names, sockets (which can't be opened without a
// sandbox either) and named pipes.
//
// Linux ≥ 5.9 (SECCOMP_IOCTL_NOTIF_ADDFD). proc_pid_fd(5), seccomp_unotify(2)
package reopen
