package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Exit codes that mcpbox chooses.
const (
	exitTimeout = 124
	exitKilled  = 137
)

// finish makes the result of a process that has ended, and closes its recorder.
func (p *Process) finish() *Result {
	res := p.describe(p.took)
	res.use(p.child.usage(), p.exit, p.waiting.before, int64(p.box.policy().Limits.Memory))
	p.outcome(res)
	p.lostLayers(res)
	if res.Err != nil {
		res.Error = res.Err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	res.EventStats = p.recorder.Close(ctx)
	res.Events = p.recorder.Events()
	return res
}

// describe makes the first part of a result.
func (p *Process) describe(took time.Duration) *Result {
	return &Result{
		ExecutionID: p.executionID(), Policy: p.box.policy().Name, Command: p.cmd.Args,
		Timestamp: p.began.UTC(), ExecutionTime: Seconds(took), SetupTime: Seconds(p.box.setupTime),
		Limits: p.child.limits(), Layers: p.layers, IDMap: p.box.isolation.idMap(),
		Network: p.connections(),
	}
}

// lostLayers marks layers that were only enforced at the start.
func (p *Process) lostLayers(res *Result) {
	if p.uncovered.Load() {
		res.Layers = maps.Clone(res.Layers)
		res.Layers[policies.LayerRootfs], res.Success = Lost, false
	}
}

// executionID returns the id of the execution. For the first process it is the sandbox's id.
func (p *Process) executionID() string {
	if p.number == 1 {
		return p.box.ID
	}
	return p.box.ID + "-" + strconv.Itoa(p.number)
}

// missed returns how much memory a program may have used without being counted. ru_maxrss includes
// pages of files. They belong to the host's cache, and no limit applies to them.
func missed(u cgroups.Usage, maxRSS, limit int64) int64 {
	switch {
	case u.MemoryPeak < 0:
		return maxRSS // nobody counted at all: policy none
	case u.FilePeak < 0:
		return -1 // the cgroup has counted every page
	}
	n := maxRSS - u.FilePeak
	if limit > 0 && n > limit { // more than that is seen: these are pages of files
		return -1
	}
	return n
}

func (res *Result) use(u cgroups.Usage, end *exit, before time.Duration, limit int64) {
	res.CPUTime, res.MemoryUsed, res.ProcessesPeak = Seconds(u.CPU), u.MemoryPeak, u.PIDsPeak
	if end == nil {
		return
	}
	// wait(2) has the exact times of the process and its waited-for children. A poller may have
	// missed a short process.
	res.CPUTime = Seconds(max(time.Duration(res.CPUTime), end.waited.CPU-before))
	res.MemoryUsed = max(res.MemoryUsed, missed(u, end.waited.MemoryPeak, limit))
}

// outcome sets status, exit code, signal and error. The reason why mcpbox ended the run comes
// first, then how the program ended.
func (p *Process) outcome(res *Result) {
	p.mu.Lock()
	canceled := p.canceled
	p.mu.Unlock()
	killed := p.exit == nil || p.exit.status.Signal() == unix.SIGKILL
	switch why := p.stopping(); {
	case why != "":
		res.killed(why)
	case canceled != nil && killed:
		res.Err = canceled
		res.killed(StatusCanceled)
		if errors.Is(canceled, context.DeadlineExceeded) {
			res.killed(StatusTimeout)
		}
	case p.exit == nil: // PID 1 has ended, and with it everything
		res.Err = ErrClosed
		res.killed(StatusSignaled)
	default:
		p.ended(res, p.exit.status)
	}
}

// killed sets the outcome of a run that was ended from outside.
func (res *Result) killed(why Status) {
	res.Status, res.ExitCode, res.Signal = why, exitKilled, "SIGKILL"
	switch {
	case why == StatusTimeout:
		res.ExitCode, res.Signal = exitTimeout, ""
		if res.Err == nil {
			res.Err = fmt.Errorf("%w: timeout: %w", ErrLimit, context.DeadlineExceeded)
		}
	case res.Err != nil:
	case why == StatusViolation:
		res.Err = ErrViolation
	case why == StatusSetup:
		res.Err = ErrLayer
	default:
		res.Err = fmt.Errorf("%w: %s", ErrLimit, why)
	}
}

// ended sets the outcome of a program that ended by itself.
func (p *Process) ended(res *Result, ws unix.WaitStatus) {
	switch {
	case ws.Signaled():
		res.Status, res.Signal, res.ExitCode = StatusSignaled, unix.SignalName(ws.Signal()),
			128+int(ws.Signal())
		p.signaled(res, ws.Signal())
	case ws.ExitStatus() == 0:
		res.Status, res.Success = StatusOK, true
	default:
		res.Status, res.ExitCode = StatusFailed, ws.ExitStatus()
		switch {
		case p.hit.pids.Load():
			res.Status = StatusPIDs
		case p.hit.disk.Load():
			res.Status = StatusDisk
		}
	}
}

// signaled turns the kernel's own signals for limits into statuses and events.
func (p *Process) signaled(res *Result, sig unix.Signal) {
	l := p.box.policy().Limits
	limit := func(name string, value int64) {
		p.Record(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: unix.SignalName(sig),
			Limit: &monitor.Limit{Name: name, Value: value, Observed: value,
				Backend: backendRlimit}})
	}
	// A tool can send itself any of these signals. So without a limit, or below it, the signal is
	// not a limit's.
	switch {
	case sig == unix.SIGXFSZ && l.FileSize > 0:
		res.Status = StatusDisk
		limit("file_size", int64(l.FileSize))
	case sig == unix.SIGXCPU && l.CPUTime > 0 &&
		time.Duration(res.CPUTime) >= time.Duration(l.CPUTime):
		res.Status = StatusCPU
		limit("cpu_time", time.Duration(l.CPUTime).Milliseconds())
	case sig == unix.SIGKILL && p.hit.memory.Load():
		res.Status = StatusMemory
	}
}
