// Command mcpbox-init is PID 1 of every sandbox. It completes the tool's root, starts processes in
// cells when the supervisor asks over the control socket (package initproto), reaps, and ends when
// the socket closes. Then the kernel kills the rest of the PID namespace (pid_namespaces(7)).
//
// A cell is a nested user and mount namespace in which the tool is uid 1000 without capabilities.
// mcpbox-init itself never runs foreign code. It only keeps the capabilities that it needs to map a
// cell's ids (CAP_SETUID, CAP_SETGID, CAP_SETFCAP). With a network by name it has three more, and
// drops them before a tool starts (network.go). It is not dumpable, and its only descriptor of the
// host is the control socket.
//
// Between clone and execve, the child makes only raw system calls, in a straight line, on data that
// was prepared before the clone (child.go). Landlock, seccomp and namespaces apply to one thread,
// and the Go runtime does not guarantee which thread runs.
//
// Linux ≥ 5.9 (clone3 with CLONE_INTO_CGROUP 5.7, close_range 5.9).
package main
