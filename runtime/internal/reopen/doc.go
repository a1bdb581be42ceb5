// Package reopen lets a tool open its own standard streams anew, by /dev/stdout, /dev/fd/1 or /proc/self/fd/1, as it
// can bare. The kernel judges such an open by the file's owner and mode, and the files behind the streams are the
// caller's: a tool with ids of its own is refused, and Landlock refuses files that lie outside of the sandbox.
//
//	s := reopen.New(fds, toolUID, toolGID)              // before the spawn; pipes are widened here
//	program := filter.ProgramWith(s.Opens())            // opens that the kernel would refuse come to the listener
//	rights := s.Landlock(i)                             // a rule for the file behind descriptor i
//	if answer, ok := s.Answer(call, pid); ok { … }      // in the listener's loop
//
// A stream can be opened for what its descriptor is open for, and no more:
//
//   - A pipe that the tool reads belongs to the tool's uid from then on, readable only; one that it writes becomes
//     writable for others, who reach it by a descriptor of their own at most. Pipes have no name on the host.
//   - A file or terminal is not changed. The open is put to the supervisor, which looks which file the thread's
//     descriptor is, opens that very file, and hands the descriptor over (SECCOMP_ADDFD).
//
// Not handled: links to /dev/stdout under other names, sockets (which can't be opened bare either) and named pipes.
//
// Linux ≥ 5.9 (SECCOMP_IOCTL_NOTIF_ADDFD). proc_pid_fd(5), seccomp_unotify(2)
package reopen
