package runtime

import (
	"github.com/mcpbox/mcpbox/runtime/internal/reopen"
	"github.com/mcpbox/mcpbox/seccomp"
)

// reopening makes the tool's standard streams openable anew, and fits filter and Landlock rules to them.
func (k *cell) reopening(fds []int) {
	body := k.body
	k.reopen = reopen.New(fds, k.c.ids.ToolUID, k.c.ids.ToolGID)
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

// reopens answers a call that is no refusal: the opening of a standard stream, or another open that was put to the
// listener beside it and that the policy allows. The kernel judges that one by its path, so it may go on.
func (g *guard) reopens(c *seccomp.Call) (seccomp.Answer, bool) {
	switch c.Name {
	case "open", "openat", "creat":
	default:
		return seccomp.Answer{}, false
	}
	pid, _ := g.identify(c.PID)
	if a, ok := g.cell.reopen.Answer(c, pid); ok {
		return a, true
	}
	return seccomp.Answer{Continue: true}, g.cell.c.filter.Allows(c)
}
