// Command mcpbox-init is PID 1 of every sandbox. It completes the tool's root,
// starts processes in cells when the supervisor asks over the control socket
// (package initproto), reaps, and ends when the socket closes: then the kernel
// kills the rest of the PID namespace (pid_namespaces(7)).
//
// A cell is a nested user and mount namespace in which the tool is uid 1000
// without capabilities. mcpbox-init itself never runs foreign code: it keeps
// only what mapping a cell's ids needs (CAP_SETUID, CAP_SETGID, CAP_SETFCAP),
// (with a network by name three more, which it drops before any tool is started:
// network.go), is not dumpable, and holds no descriptor of the host but the control socket.
//
// The child between clone and execve makes only raw system calls, in a straight
// line, on data prepared before the clone (child.go): Landlock, seccomp and
// namespaces apply to one thread, and a Go runtime can't promise which.
//
// Linux ≥ 5.9 (clone3 with CLONE_INTO_CGROUP 5.7, close_range 5.9).
package main
