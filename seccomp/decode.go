package seccomp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// decode makes a Call of a notification, for the report.
func (l *Listener) decode(n *notification) *Call {
	c := &Call{ID: n.id, PID: int(n.pid), Arch: n.arch, Number: int(n.nr), Raw: n.args, Errno: unix.EPERM}
	_, c.ArchName = entryPoint(n.arch, c.Number)
	c.Name, _ = SyscallName(n.arch, c.Number)
	if c.Name == "" {
		c.Errno = syscall.ENOSYS
	}
	if c.ArchName == "" && (c.Name == "execve" || c.Name == "execveat") && !l.exec {
		l.exec, c.First = true, true
	}
	return c
}
