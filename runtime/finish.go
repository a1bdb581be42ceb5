package runtime

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
)

// Exit codes that are mcpbox's to choose (DESIGN §8).
const (
	exitTimeout = 124
	exitKilled  = 137
)

// finish collects what the ended process came to. exit is nil if the sandbox was killed first.
func (r *Running) finish(exit *initproto.Exit) (*Result, error) {
	elapsed := time.Since(r.began)
	if r.timer != nil {
		r.timer.Stop()
	}
	r.checkDisk()
	r.tree.stop()
	res := &Result{
		ExecutionID: r.box.ID, Policy: r.box.spec.Policy.Name, Command: r.command, Timestamp: r.began.UTC(),
		ExecutionTime: Seconds(elapsed), SetupTime: Seconds(r.box.setupTime),
		Limits: r.tree.states(), Layers: r.layers, IDMap: r.box.idMap,
	}
	res.use(r.tree.usage(), exit)
	r.outcome(res, exit)
	return res, nil
}

func (res *Result) use(u cgroups.Usage, exit *initproto.Exit) {
	res.CPUTime, res.MemoryUsed, res.ProcessesPeak = Seconds(u.CPU), u.MemoryPeak, u.PIDsPeak
	if exit == nil {
		return
	}
	// wait(2) knows the process and its waited-for children exactly; a poller may have missed a short one.
	waited := time.Duration(exit.UserUsec+exit.SysUsec) * time.Microsecond
	res.CPUTime = Seconds(max(time.Duration(res.CPUTime), waited))
	if u.CPU < 0 || res.MemoryUsed < exit.MaxRSSKiB<<10 {
		res.MemoryUsed = max(res.MemoryUsed, exit.MaxRSSKiB<<10)
	}
}

// outcome sets status, exit code and signal: why mcpbox ended the run comes first, then how the tool ended.
func (r *Running) outcome(res *Result, exit *initproto.Exit) {
	if why := r.box.stopReason(); why != "" {
		res.Status, res.ExitCode = why, exitKilled
		if why == StatusTimeout {
			res.ExitCode = exitTimeout
		} else {
			res.Signal = "SIGKILL"
		}
		return
	}
	if exit == nil { // PID 1 was killed from outside, and everything with it
		res.Status, res.ExitCode, res.Signal = StatusSignaled, exitKilled, "SIGKILL"
		return
	}
	ws := unix.WaitStatus(exit.Status)
	switch {
	case ws.Signaled():
		res.Status, res.Signal, res.ExitCode = StatusSignaled, unix.SignalName(ws.Signal()), 128+int(ws.Signal())
		r.signalled(res, ws.Signal())
	case ws.ExitStatus() == 0:
		res.Status, res.Success = StatusOK, true
	default:
		res.Status, res.ExitCode = StatusFailed, ws.ExitStatus()
		switch {
		case r.hit.pids.Load():
			res.Status = StatusPIDs
		case r.hit.disk.Load():
			res.Status = StatusDisk
		}
	}
}

// signalled turns the kernel's own signals for limits into statuses and events.
func (r *Running) signalled(res *Result, sig unix.Signal) {
	l := r.box.spec.Policy.Limits
	limit := func(name string, value int64) {
		r.record(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: unix.SignalName(sig),
			Limit: &monitor.Limit{Name: name, Value: value, Observed: value, Backend: backendRlimit}})
	}
	// A tool can send itself any of them: without a limit, or below it, that is all it was.
	switch {
	case sig == unix.SIGXFSZ && l.FileSize > 0:
		res.Status = StatusDisk
		limit("file_size", int64(l.FileSize))
	case sig == unix.SIGXCPU && l.CPUTime > 0 && time.Duration(res.CPUTime) >= time.Duration(l.CPUTime):
		res.Status = StatusCPU
		limit("cpu_time", time.Duration(l.CPUTime).Milliseconds())
	case sig == unix.SIGKILL && r.hit.memory.Load():
		res.Status = StatusMemory
	}
}
