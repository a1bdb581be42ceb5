package seccomp

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/seccomp/internal/decode"
)

// decode makes a Call from a notification, for the report.
func (l *Listener) decode(n *notification) *Call {
	c := &Call{ID: n.id, PID: int(n.pid), Arch: n.arch, Number: int(n.nr), Raw: n.args,
		Errno: unix.EPERM, listener: l.fd}
	_, c.ArchName = entryPoint(n.arch, c.Number)
	c.Name, _ = SyscallName(n.arch, c.Number)
	if c.Name == "" || c.Name == "openat2" { // programs that know openat2 fall back to openat
		c.Errno = syscall.ENOSYS
	}
	if c.ArchName == "" && KernelLacks(c.Number) {
		c.Errno = syscall.ENOSYS
	}
	if c.ArchName == "" && (c.Name == "execve" || c.Name == "execveat") && !l.exec {
		l.exec, c.First = true, true
	}
	d := decode.Arguments(decode.ProcessMemory(n.pid), c.ArchName, c.Name, n.args)
	if d.Touched && !idValid(l.fd, n.id) {
		// The task has ended: the memory may have belonged to a later task with the same id.
		d = decode.Arguments(decode.Nothing{}, c.ArchName, c.Name, n.args)
		d.Path = nil
	}
	c.Args, c.Paths, c.Path = d.Text, d.Paths, d.Path
	return c
}
