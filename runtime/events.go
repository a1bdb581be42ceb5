package runtime

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
	"github.com/mcpbox/mcpbox/seccomp"
)

// guard answers one listener: records each refusal, lets the first execve through, applies `violation: kill`.
type guard struct {
	run         *Running
	execAllowed bool
	execDone    bool // only Serve's goroutine touches it
	last        task
}

// decide must not block: the tool's thread waits for it.
func (g *guard) decide(c *seccomp.Call) seccomp.Answer {
	if !g.execAllowed && !g.execDone && c.Name == "execve" && c.ArchName == "" {
		// The start itself: no code of the tool has run yet, so nothing can change the arguments under us.
		g.execDone = true
		return seccomp.Answer{Continue: true}
	}
	g.execDone = true
	e := monitor.Event{
		Type: monitor.SyscallBlocked, Action: errnoName(c.Errno),
		Syscall: &monitor.Syscall{Name: c.Name, Number: c.Number, Arch: c.ArchName, Args: c.Args, Paths: c.Paths},
	}
	e.PID, e.Comm = g.identify(c.PID)
	kill := g.run.box.spec.Policy.Syscalls.Violation == policies.ViolationKill
	if kill {
		e.Action = "kill"
	}
	g.run.record(e)
	if kill {
		g.run.box.stop(StatusViolation)
	}
	if g.run.box.stopReason() != "" {
		<-g.run.box.container.Done() // killed by policy or rule: the call never returns to the tool
	}
	return seccomp.Answer{Errno: c.Errno}
}

func (r *Running) record(e monitor.Event) { r.box.recorder.Record(r.process.attributed(e)) }

// Record adds an event that the caller saw, such as a refused tool call.
func (s *Sandbox) Record(e monitor.Event) { s.recorder.Record(e) }

func errnoName(e syscall.Errno) string { return unix.ErrnoName(e) }

// task remembers who asked last: a flood comes from one thread.
type task struct {
	tid, inside int
}

// identify returns the process id in the sandbox's namespace, and the name that the thread gives itself.
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

// hits are the limits that were run into, for the status of a run that failed of them without being killed.
type hits struct{ memory, pids, disk atomic.Bool }

func (r *Running) breach(b cgroups.Breach) {
	e := monitor.Event{Type: monitor.ResourceLimitExceeded, Count: int(b.Count), Action: "refused",
		Limit: &monitor.Limit{Name: b.Limit, Value: b.Value, Observed: b.Observed, Backend: b.Backend}}
	status := Status("")
	switch b.Limit {
	case "memory":
		r.hit.memory.Store(true)
		status = StatusMemory
	case "pids":
		r.hit.pids.Store(true)
		status = StatusPIDs
		if b.Backend == watchdog.Backend {
			e.Action = "reached" // whether the kernel then refused a fork is not to be seen
		}
	case "cpu_time":
		status = StatusCPU
	case "cpus":
		e.Action = "throttled"
	}
	if b.Fatal {
		e.Action = "kill"
	}
	r.record(e)
	if b.Fatal && status != "" {
		r.box.stop(status)
	}
}

func (r *Running) onTimeout() {
	limit := time.Duration(r.box.spec.Policy.Limits.Timeout)
	r.record(monitor.Event{Type: monitor.TimeoutExceeded, Action: "kill",
		Limit: &monitor.Limit{Name: "timeout", Value: limit.Milliseconds(), Observed: time.Since(r.began).Milliseconds(), Backend: backendClock}})
	r.box.stop(StatusTimeout)
}

// diskInterval is how often the storage is looked at: a folder that was full and is emptied between two looks is missed.
const diskInterval = 100 * time.Millisecond

func (r *Running) watchDisk() {
	tick := time.NewTicker(diskInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.checkDisk()
		case <-r.ended:
			return
		case <-r.box.gone:
			return
		}
	}
}

// checkDisk records a full storage: the tool sees ENOSPC and nobody else is told.
func (r *Running) checkDisk() {
	limit := int64(r.box.spec.Policy.Limits.Disk)
	if limit == 0 || r.hit.disk.Load() {
		return
	}
	if used, full := storageFull(r.box.storage); full {
		r.hit.disk.Store(true)
		r.record(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "ENOSPC",
			Limit: &monitor.Limit{Name: "disk", Value: limit, Observed: used, Backend: backendTmpfs}})
	}
}
