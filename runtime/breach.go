package runtime

import (
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
)

// hits records which limits were reached, for the status of a run that failed because of them
// without being killed.
type hits struct{ memory, pids, disk atomic.Bool }

func (p *Process) breach(b cgroups.Breach) {
	e := monitor.Event{Type: monitor.ResourceLimitExceeded, Count: int(b.Count), Action: "refused",
		Limit: &monitor.Limit{Name: b.Limit, Value: b.Value, Observed: b.Observed,
			Backend: b.Backend}}
	status := Status("")
	switch b.Limit {
	case "memory":
		p.hit.memory.Store(true)
		status = StatusMemory
	case "pids":
		e.Limit.Value = p.box.policy().Limits.PIDs // without the task for the reaper
		p.hit.pids.Store(true)
		status = StatusPIDs
		if b.Backend == watchdog.Backend {
			e.Action = "reached" // nobody can see whether the kernel then refused a fork
		}
	case "cpu_time":
		status = StatusCPU
	case "cpus":
		e.Action = "throttled"
	}
	if b.Fatal {
		e.Action = "kill"
	}
	p.Record(e)
	if b.Fatal && status != "" {
		p.stop(status)
	}
}

func (p *Process) onTimeout() {
	limit := time.Duration(p.box.policy().Limits.Timeout)
	p.Record(monitor.Event{Type: monitor.TimeoutExceeded, Action: "kill", Limit: &monitor.Limit{
		Name: "timeout", Value: limit.Milliseconds(), Observed: time.Since(p.began).Milliseconds(),
		Backend: backendClock}})
	p.stop(StatusTimeout)
}

func (p *Process) onOutput(limit, seen int64) {
	p.Record(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "kill",
		Limit: &monitor.Limit{Name: "output", Value: limit, Observed: seen, Backend: backendPipe}})
	p.stop(StatusOutput)
}

// diskInterval is the time between two checks of the storage. Storage that was full and is emptied
// between two checks is missed.
const diskInterval = 100 * time.Millisecond

func (k *cell) watchDisk() {
	tick := time.NewTicker(diskInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.checkDisk()
		case <-k.ended:
			return
		case <-k.c.conn.Gone():
			return
		}
	}
}

// checkDisk records a full storage, because the kernel reports ENOSPC only to the tool.
func (k *cell) checkDisk() {
	limit := int64(k.c.policy().Limits.Disk)
	if limit == 0 || k.process.hit.disk.Load() {
		return
	}
	if used, full := storageFull(k.storage); full {
		k.process.hit.disk.Store(true)
		k.process.Record(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "ENOSPC",
			Limit: &monitor.Limit{Name: "disk", Value: limit, Observed: used,
				Backend: backendTmpfs}})
	}
}
