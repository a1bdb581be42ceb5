package runtime

import (
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/runtime/internal/deputy"
	"github.com/mcpbox/mcpbox/runtime/internal/reopen"
	"github.com/mcpbox/mcpbox/seccomp"
)

// reopening makes the tool's standard streams openable anew, and fits filter and Landlock rules to them.
// A nil body is that of a cell that was built ahead: there it is pipes alone that can be opened.
func (k *cell) reopening(fds []int, body *initproto.SpawnBody) {
	k.reopen = reopen.New(fds, k.c.ids.ToolUID, k.c.ids.ToolGID)
	if body == nil {
		return
	}
	if len(body.Filter) > 0 {
		body.Filter = k.c.filter.ProgramWith(k.reopen.Opens())
	}
	if body.Landlock != nil {
		own := *body.Landlock // the sandbox's is every process's
		for i := range own.Stdio {
			own.Stdio[i] = k.reopen.Landlock(i)
		}
		body.Landlock = &own
	}
}

// deputise answers a call that is no refusal: the opening of a standard stream, another open that was put to the
// listener beside it and that the policy allows (the kernel judges that one by its path, so it may go on), and what is
// harmless on the file that it really is about.
func (g *guard) deputise(c *seccomp.Call) (seccomp.Answer, bool) {
	ids, allows := g.cell.c.ids, g.cell.c.filter.Allows
	switch c.Name {
	case "open", "openat", "creat":
		pid, _ := g.identify(c.PID)
		if a, ok := g.cell.reopen.Answer(c, pid); ok {
			return a, true
		}
		return seccomp.Answer{Continue: true}, allows(c)
	case "chmod", "fchmod", "fchmodat", "fchmodat2":
		return deputy.Chmod(c, allows, deputy.Tool{UID: ids.ToolUID, GID: ids.ToolGID})
	}
	return seccomp.Answer{}, false
}

// ownProcess reports whether a call that looks into another process means one of the tool's own.
func ownProcess(c *seccomp.Call) bool {
	switch {
	case c.ArchName != "":
	case c.Name == "ptrace":
		return deputy.Owns(c.PID, int(int32(c.Raw[1])))
	case c.Name == "process_vm_readv", c.Name == "process_vm_writev":
		return deputy.Owns(c.PID, int(int32(c.Raw[0])))
	}
	return false
}
