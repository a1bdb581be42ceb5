package cgroups

import (
	"os"
	"time"
)

// counters is what a Watch has already reported.
type counters struct {
	start         time.Time
	oomKill, oom  int64
	pidsTold      int64
	cpuTimeTold   bool
	throttled     int64 // periods already reported
	lastCPU       time.Duration
	lastThrottled time.Duration
	lastTime      time.Time
}

// check reads the leaf, reports what is new and says when to look again (zero: at the next event).
func (w *Watch) check(last bool) time.Time {
	w.checkMemory(last)
	w.checkPIDs(last)
	l := w.leaf.current()
	if l.CPUTime <= 0 && l.CPUs <= 0 {
		return time.Time{}
	}
	u, err := readUsage(w.leaf.dir())
	if err != nil {
		return time.Time{} // the cgroup was removed
	}
	now := time.Now()
	w.checkCPUTime(u)
	w.checkThrottling(u, now, last)
	return nextLook(now, l, u.CPU)
}

func (w *Watch) report(b Breach) {
	b.Backend = Backend
	b.Count = max(b.Count, 1)
	w.onBreach(b)
}

func readEvents(f *os.File) []byte {
	var buf [512]byte
	n, _ := f.ReadAt(buf[:], 0)
	return buf[:n]
}

// checkMemory reports what the memory limit did. `oom` counts refused allocations, `oom_kill` those
// that ended in a kill. The kernel raises `oom` first, so an `oom` without a kill is only reported
// at the end.
func (w *Watch) checkMemory(last bool) {
	if w.memory == nil {
		return
	}
	text := readEvents(w.memory)
	kills, ooms := flatKeyed(text, "oom_kill"), flatKeyed(text, "oom")
	b := Breach{Limit: "memory", Value: int64(w.leaf.current().Memory),
		Observed: readInt(w.leaf.dir(), "memory.peak")}
	b.Observed = max(b.Observed, b.Value)
	if kills > w.seen.oomKill {
		b.Count, b.Fatal = kills-w.seen.oomKill, true
		w.seen.oomKill, w.seen.oom = kills, max(ooms, w.seen.oom)
		w.report(b)
	} else if last && w.seen.oomKill == 0 && ooms > w.seen.oom {
		b.Count = ooms - w.seen.oom
		w.seen.oom = ooms
		w.report(b)
	}
}

// checkPIDs reports the first refused fork at once, and then each time their number has doubled. So
// a fork bomb makes a few events, not thousands.
func (w *Watch) checkPIDs(last bool) {
	if w.pids == nil {
		return
	}
	n := flatKeyed(readEvents(w.pids), "max")
	if n <= w.seen.pidsTold || (n < 2*w.seen.pidsTold && !last) {
		return
	}
	limit := w.leaf.current().PIDs
	w.report(Breach{Limit: "pids", Value: limit, Observed: max(readInt(w.leaf.dir(), "pids.peak"),
		limit), Count: n - w.seen.pidsTold})
	w.seen.pidsTold = n
}

func (w *Watch) checkCPUTime(u Usage) {
	limit := time.Duration(w.leaf.current().CPUTime)
	if limit <= 0 || u.CPU < limit || w.seen.cpuTimeTold {
		return
	}
	w.seen.cpuTimeTold = true
	w.report(Breach{Limit: "cpu_time", Value: limit.Milliseconds(), Observed: u.CPU.Milliseconds(),
		Fatal: true})
}

// checkThrottling reports the first throttled period, and then each time their number has doubled.
// Observed is the demand since the last report: used CPU time plus throttled time, per unit of
// time.
func (w *Watch) checkThrottling(u Usage, now time.Time, last bool) {
	if w.leaf.current().CPUs <= 0 || u.ThrottledPeriods <= w.seen.throttled ||
		(u.ThrottledPeriods < 2*w.seen.throttled && !last) {
		return
	}
	since := w.seen.lastTime
	if since.IsZero() {
		since = w.seen.start
	}
	limit := int64(w.leaf.current().CPUs * 1000)
	demand := u.CPU - w.seen.lastCPU + u.Throttled - w.seen.lastThrottled
	observed := limit
	if elapsed := now.Sub(since); elapsed > 0 {
		observed = max(limit, int64(demand*1000/elapsed))
	}
	w.report(Breach{Limit: "cpus", Value: limit, Observed: observed,
		Count: u.ThrottledPeriods - w.seen.throttled})
	w.seen.throttled, w.seen.lastTime = u.ThrottledPeriods, now
	w.seen.lastCPU, w.seen.lastThrottled = u.CPU, u.Throttled
}
