package runtime

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
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
