package runtime

import (
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/rights"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
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
		opens := k.reopen.Opens()
		opens.Tasks = k.tree.countsTasks()
		body.Filter = k.c.filter.ProgramWith(opens)
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
	case "clone", "fork", "vfork":
		// Watched, without a cgroup: the kernel says EAGAIN at the limit, and that is all the tool
		// hears. What it may do, the registers say: nothing can change between this and the call.
		if allows(c) {
			g.cell.tree.forking()
			return seccomp.Answer{Continue: true}, true
		}
	case "truncate", "ftruncate", "fallocate":
		if allows(c) { // watched: the kernel says EFBIG, and that is all the tool hears
			g.cell.process.Record(g.tooLarge(c))
			return seccomp.Answer{Continue: true}, true
		}
	case "kill", "tkill", "rt_sigqueueinfo", "pidfd_open", "prlimit64":
		// Watched: the number is in a register, and the filter has judged PID 1's own.
		own := !deputy.InitThread(c.PID, int(int32(uint32(c.Raw[0]))))
		return seccomp.Answer{Continue: true}, own && allows(c)
	case "inotify_add_watch":
		return deputy.AddWatch(c, allows, deputy.Tool{UID: ids.ToolUID, GID: ids.ToolGID})
	case "chmod", "fchmod", "fchmodat", "fchmodat2":
		return deputy.Chmod(c, allows, deputy.Tool{UID: ids.ToolUID, GID: ids.ToolGID})
	}
	return seccomp.Answer{}, false
}

// watched are the calls that the listener sees although the policy may allow them.
func watched(p *policies.Policy) seccomp.Watch {
	// Started by a user, PID 1 may have the tool's own id, and then the kernel lets the tool at it.
	return seccomp.Watch{FileSize: uint64(p.Limits.FileSize), Watches: true, Processes: !rights.Root()}
}

// tooLarge is the event of a file that is set to a size above the limit.
func (g *guard) tooLarge(c *seccomp.Call) monitor.Event {
	size := int64(c.Raw[1])
	if c.Name == "fallocate" {
		size = int64(c.Raw[3])
	}
	e := monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "EFBIG", Limit: &monitor.Limit{Name: "file_size",
		Value: int64(g.cell.c.policy().Limits.FileSize), Observed: size, Backend: backendRlimit}}
	e.PID, e.Comm = g.identify(c.PID)
	return e
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
