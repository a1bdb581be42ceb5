package runtime

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/rights"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/deputy"
	"github.com/mcpbox/mcpbox/runtime/internal/reopen"
	"github.com/mcpbox/mcpbox/seccomp"
)

// guard serves one listener: it records each refusal, allows the first execve, and applies
// `violation: kill`.
type guard struct {
	cell        *cell
	execAllowed bool
	execDone    bool // only Serve's goroutine touches it
	last        task
}

// decide must not block: the tool's thread waits for it.
func (g *guard) decide(c *seccomp.Call) seccomp.Answer {
	if !g.execAllowed && !g.execDone && c.Name == "execve" && c.ArchName == "" {
		// The start itself: no code of the tool has run yet, so nothing can change the arguments.
		g.execDone = true
		return seccomp.Answer{Continue: true}
	}
	g.execDone = true
	if answer, ok := g.deputise(c); ok {
		return answer
	}
	e := g.event(c)
	kill := g.cell.c.policy().Syscalls.Violation == policies.ViolationKill
	if kill {
		e.Action = "kill"
	}
	g.cell.process.Record(e)
	if kill {
		g.cell.process.stop(StatusViolation)
	}
	if g.cell.process.stopping() != "" || g.cell.c.box.whyStopped().why != "" {
		g.cell.awaitKill() // killed by policy or rule: the call never returns to the tool
	}
	return seccomp.Answer{Errno: c.Errno}
}

// event is about a refused call.
func (g *guard) event(c *seccomp.Call) monitor.Event {
	e := monitor.Event{
		Type: monitor.SyscallBlocked, Action: errnoName(c.Errno),
		Syscall: &monitor.Syscall{Name: c.Name, Number: c.Number, Arch: c.ArchName, Raw: c.Raw,
			Args: c.Args, Paths: c.Paths},
	}
	e.Syscall.Own = ownProcess(c)
	e.PID, e.Comm = g.identify(c.PID)
	return e
}

func errnoName(e syscall.Errno) string { return unix.ErrnoName(e) }

// task caches the last caller, because a flood of calls usually comes from one thread.
type task struct {
	tid, inside int
}

// identify returns the process id in the sandbox's namespace, and the thread's own name.
func (g *guard) identify(tid int) (pid int, comm string) {
	dir := "/proc/" + strconv.Itoa(tid)
	if data, err := os.ReadFile(dir + "/comm"); err == nil {
		comm = strings.TrimSuffix(string(data), "\n")
	}
	if g.last.tid != tid {
		g.last = task{tid, insidePID(dir)}
	}
	return g.last.inside, comm
}

// insidePID reads the innermost NStgid. proc_pid_status(5), Linux ≥ 4.1
func insidePID(dir string) int {
	data, err := os.ReadFile(dir + "/status")
	if err != nil {
		return 0
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "NStgid:"); ok {
			f := strings.Fields(rest)
			pid, _ := strconv.Atoi(f[len(f)-1])
			return pid
		}
	}
	return 0
}

// reopening allows the tool to open its standard streams again, and adapts the filter and the
// Landlock rules. body is nil for a cell that was built before its call: there only pipes can be
// opened again.
func (k *cell) reopening(fds []int, body *initproto.SpawnBody) {
	k.reopen = reopen.New(fds, k.c.ids.ToolUID, k.c.ids.ToolGID)
	if body == nil {
		return
	}
	if len(body.Filter) > 0 {
		body.Filter = k.c.filter.ProgramWith(k.reopen.Opens())
	}
	if body.Landlock != nil {
		own := *body.Landlock // all processes share the sandbox's one
		for i := range own.Stdio {
			own.Stdio[i] = k.reopen.Landlock(i)
		}
		body.Landlock = &own
	}
}

// deputise answers a call that is not refused: the opening of a standard stream; another open that
// goes to the listener and that the policy allows (the kernel checks its path, so it may continue);
// and a call that is harmless for the file that it really affects.
func (g *guard) deputise(c *seccomp.Call) (seccomp.Answer, bool) {
	ids, allows := g.cell.c.ids, g.cell.c.filter.Allows
	switch c.Name {
	case "open", "openat", "creat":
		pid, _ := g.identify(c.PID)
		if a, ok := g.cell.reopen.Answer(c, pid); ok {
			return a, true
		}
		return seccomp.Answer{Continue: true}, allows(c)
	case "truncate", "ftruncate", "fallocate":
		if allows(c) { // watched: the kernel returns EFBIG, and only the tool sees it
			g.cell.process.Record(g.tooLarge(c))
			return seccomp.Answer{Continue: true}, true
		}
	case "pidfd_open", "prlimit64":
		// Watched: the process id is in a register. The filter has already refused PID 1 itself.
		own := !deputy.InitThread(c.PID, int(int32(uint32(c.Raw[0]))))
		return seccomp.Answer{Continue: true}, own && allows(c)
	case "seccomp", "prctl":
		// Watched: a filter can only take more away. But what it answers comes to no listener.
		if allows(c) {
			e := g.event(c)
			e.Type, e.Action = monitor.SuspiciousBehavior, "allowed"
			g.cell.process.Record(e)
			return seccomp.Answer{Continue: true}, true
		}
	case "inotify_add_watch":
		return deputy.AddWatch(c, allows, deputy.Tool{UID: ids.ToolUID, GID: ids.ToolGID},
			g.watchInside)
	case "chmod", "fchmod", "fchmodat", "fchmodat2":
		return deputy.Chmod(c, allows, deputy.Tool{UID: ids.ToolUID, GID: ids.ToolGID})
	}
	return seccomp.Answer{}, false
}

// watchTime bounds the wait for PID 1, because the tool's thread waits, too.
const watchTime = time.Second

// watchInside lets PID 1 add a watch, as the tool.
func (g *guard) watchInside(root, instance int, path string, flags uint64, mask uint32) (int64,
	error) {
	const apart = -1 << 40 // from the numbers of processes
	conn, number := g.cell.c.conn, apart-g.cell.process.number
	inbox := conn.Open(number)
	defer inbox.Close()
	body := &initproto.WatchBody{Path: path, Flags: flags, Mask: mask}
	m := initproto.Message{Kind: initproto.Watch, Process: number}
	if err := conn.Send(m, body, root, instance); err != nil {
		return 0, unix.EPERM
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	answer, err := inbox.Next(ctx)
	switch {
	case err != nil:
		return 0, unix.EPERM
	case answer.Kind != initproto.Watched:
		answer.Close()
		return 0, answer.Fault.Errno
	}
	return int64(answer.Watch), nil
}

// watched selects the calls that the listener sees even if the policy allows them.
func watched(p *policies.Policy) seccomp.Watch {
	// If a user starts the sandbox, PID 1 may have the tool's id. Then the kernel allows the tool
	// to act on PID 1.
	return seccomp.Watch{FileSize: uint64(p.Limits.FileSize), Watches: true, Filters: true,
		Processes: !rights.Root()}
}

// tooLarge returns the event for a call that sets a file's size above the limit.
func (g *guard) tooLarge(c *seccomp.Call) monitor.Event {
	size := int64(c.Raw[1])
	if c.Name == "fallocate" {
		size = int64(c.Raw[3])
	}
	e := monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "EFBIG",
		Limit: &monitor.Limit{Name: "file_size", Value: int64(g.cell.c.policy().Limits.FileSize),
			Observed: size, Backend: backendRlimit}}
	e.PID, e.Comm = g.identify(c.PID)
	return e
}

// ownProcess reports whether a call that accesses another process means one of the tool's own
// processes.
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
