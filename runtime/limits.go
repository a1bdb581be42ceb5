package runtime

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
)

// Backends that a limit can have in a result, besides cgroup2 and watchdog.
const (
	backendNone   = "none" // nothing enforces it on this host
	backendRlimit = "rlimit"
	backendTmpfs  = "tmpfs"
	backendClock  = "clock"
	backendPipe   = "pipe"
)

// LimitState is one limit of a result: Value in bytes, tasks, files, thousandths of a CPU, or
// milliseconds. Reported says whether there is an event each time the program reaches the limit. It
// is false if only the program sees the error: a write that fails with EFBIG or ENOSPC, an open
// that fails with EMFILE, a fork that fails between two looks of the watchdog.
type LimitState struct {
	Value    int64  `json:"value"`
	Backend  string `json:"backend"`
	Reported bool   `json:"reported"`
}

// reported returns LimitState.Reported. A full disk, and a program that SIGXFSZ ends, are usually
// seen all the same.
func reported(name, backend string) bool {
	switch name {
	case "disk", "file_size", "open_files", "io", "io_weight":
		return false
	}
	return backend != backendNone && (name != "pids" || backend != backendRlimit)
}

// tree enforces the limits of one process tree: with a cgroup leaf, a watchdog, or both (if
// controllers are missing).
type tree struct {
	leaf   *cgroups.Leaf // nil without a usable cgroup v2
	watch  *cgroups.Watch
	dog    *watchdog.Watchdog
	extra  int64         // tasks that don't belong to the program
	before time.Duration // CPU time before the program's call

	// Memory of the program's namespaces, for the watchdog.
	segments func() int
	sockets  func() *watchdog.Sockets

	prepared bool // dog is made, or not needed

	mu     sync.Mutex
	limits policies.Limits
}

// newTree makes the leaf, before the spawn.
func newTree(group *cgroups.Group, number int, l policies.Limits, extra int64) (*tree, error) {
	t := &tree{limits: l, extra: extra}
	if group == nil {
		return t, nil
	}
	if l.PIDs > 0 {
		l.PIDs += extra
	}
	var err error
	t.leaf, err = group.NewLeaf("p-"+strconv.Itoa(number), l)
	return t, err
}

// enforcedByCgroup reports whether the leaf enforces a limit.
func (t *tree) enforcedByCgroup(name string) bool {
	if t.leaf == nil {
		return false
	}
	reason, ok := t.leaf.Enforced()[name]
	return ok && reason == ""
}

// start starts the watches, before the tool runs.
func (t *tree) start(initPID, tool int, onBreach func(cgroups.Breach)) error {
	if t.leaf != nil {
		var err error
		if t.watch, err = t.leaf.Watch(func(b cgroups.Breach) {
			if b.Limit == "pids" {
				b.Observed -= t.extra
			}
			onBreach(b)
		}); err != nil {
			return err
		}
	}
	if !t.prepared {
		t.prepare(initPID, tool)
	}
	if t.dog != nil {
		t.dog.Run(onBreach)
	}
	return nil
}

// prepare makes the watchdog, if one is needed.
func (t *tree) prepare(initPID, tool int) {
	t.prepared = true
	cfg := watchdog.Config{InitPID: initPID, Tool: tool, Segments: t.segments,
		Sockets: t.sockets}
	if !t.enforcedByCgroup("memory") {
		cfg.Memory = int64(t.limits.Memory)
	}
	if !t.enforcedByCgroup("pids") {
		cfg.PIDs = t.limits.PIDs
	}
	if !t.enforcedByCgroup("cpu_time") {
		cfg.CPUTime = time.Duration(t.limits.CPUTime)
	}
	if t.leaf == nil || cfg.Memory > 0 || cfg.PIDs > 0 || cfg.CPUTime > 0 {
		t.dog = watchdog.New(cfg)
	}
}

// countFromNow excludes the usage so far, such as that of the building of a cell. program is the
// program's CPU time so far.
func (t *tree) countFromNow(program time.Duration) {
	t.before = program // the watchdog counts only this
	if t.leaf != nil {
		if u, err := t.leaf.Usage(); err == nil {
			t.before = u.CPU
		}
	}
}

// stop ends the watches. When it returns, every breach so far has been delivered.
func (t *tree) stop() {
	if t.watch != nil {
		t.watch.Stop()
	}
	if t.dog != nil {
		t.dog.Stop()
	}
}

func (t *tree) usage() cgroups.Usage {
	if t.leaf != nil {
		if u, err := t.leaf.Usage(); err == nil {
			u.CPU -= t.before
			u.PIDsCurrent, u.PIDsPeak = t.ofProgram(u.PIDsCurrent), t.ofProgram(u.PIDsPeak)
			return u
		}
	}
	if t.dog != nil {
		u := t.dog.Usage()
		u.CPU = max(u.CPU-t.before, min(u.CPU, 0))
		return u
	}
	return cgroups.UnknownUsage()
}

// ofProgram is how many of a leaf's tasks belong to the program; -1 stays unknown.
func (t *tree) ofProgram(tasks int64) int64 {
	if tasks < 0 {
		return tasks
	}
	return max(tasks-t.extra, 0)
}

func (t *tree) remove() {
	if t.leaf != nil {
		t.leaf.Close()
		_ = t.leaf.Remove(context.Background()) // the sandbox's group removes the rest
	}
}

// rlimits returns the limits per process, which the kernel enforces even without cgroups.
func (t *tree) rlimits() []initproto.Rlimit {
	l := t.limits
	if t.enforcedByCgroup("pids") {
		l.PIDs = 0
	} else if l.PIDs > 0 {
		l.PIDs += t.extra
	}
	return watchdog.Rlimits(l)
}

// states names the backend of every limit that is set.
func (t *tree) states() map[string]LimitState {
	t.mu.Lock()
	l := t.limits
	t.mu.Unlock()
	return limitStates(l, t.enforcedByCgroup)
}

// set changes the limits of a running tree.
func (t *tree) set(l policies.Limits) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leaf != nil {
		leaf := l
		if leaf.PIDs > 0 {
			leaf.PIDs += t.extra
		}
		if err := t.leaf.SetLimits(leaf); err != nil {
			return err
		}
	}
	if t.dog != nil {
		watched := l
		if t.enforcedByCgroup("memory") {
			watched.Memory = 0
		}
		if t.enforcedByCgroup("pids") {
			watched.PIDs = 0
		}
		t.dog.SetLimits(int64(watched.Memory), watched.PIDs)
	}
	t.limits = l
	return nil
}

// limitStates names the backend of every limit of l. enforced says which limits a cgroup enforces.
func limitStates(l policies.Limits, enforced func(name string) bool) map[string]LimitState {
	out := clockLimits(l)
	add := func(name string, value int64, fallback string) {
		if value <= 0 {
			return
		}
		backend := fallback
		if enforced(name) {
			backend = cgroups.Backend
		}
		out[name] = LimitState{value, backend, reported(name, backend)}
	}
	add("memory", int64(l.Memory), watchdog.Backend)
	add("cpus", int64(l.CPUs*1000), backendNone)
	add("pids", l.PIDs, backendRlimit)
	add("cpu_time", time.Duration(l.CPUTime).Milliseconds(), watchdog.Backend)
	add("io_weight", l.IOWeight, backendNone)
	add("io", int64(len(l.IO)), backendNone)
	add("disk", int64(l.Disk), backendTmpfs)
	add("file_size", int64(l.FileSize), backendRlimit)
	add("open_files", withinOwn(unix.RLIMIT_NOFILE, l.OpenFiles), backendRlimit)
	add("output", int64(l.Output), backendPipe)
	return out
}

// clockLimits returns the limits that need no sandbox.
func clockLimits(l policies.Limits) map[string]LimitState {
	out := map[string]LimitState{}
	if t := time.Duration(l.Timeout); t > 0 {
		out["timeout"] = LimitState{t.Milliseconds(), backendClock, true}
	}
	return out
}

// withinOwn returns the value that a limit really gets: at most the caller's own hard limit.
func withinOwn(resource int, value int64) int64 {
	var own unix.Rlimit
	if unix.Getrlimit(resource, &own) == nil && own.Max < uint64(value) {
		return int64(own.Max)
	}
	return value
}

// cgroupLayer returns the state of the cgroup layer: whether cgroups enforce memory, cpus and pids,
// as far as they are set.
func cgroupLayer(limits map[string]LimitState) string {
	any := false
	for _, name := range []string{"memory", "cpus", "pids"} {
		if s, ok := limits[name]; ok {
			any = true
			if s.Backend != cgroups.Backend {
				return Absent
			}
		}
	}
	if !any {
		return Off
	}
	return Enforced
}

// storageFull reports whether the sandbox's own storage has no room left, and how much is used.
func storageFull(fd int) (used int64, full bool) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Blocks == 0 {
		return 0, false
	}
	return int64(st.Blocks-st.Bfree) * st.Bsize, st.Bfree == 0 || st.Ffree == 0
}

// confine gives the program as many CPUs as it may use, if no cgroup limits its share. Programs
// that derive their size from the number of CPUs (nproc, make -j, virtual machines, thread pools)
// then find the limit. The program can undo this, so it does not count as enforcement in the
// result. sched_setaffinity(2)
func confine(pid int, l policies.Limits) {
	want := int(math.Ceil(l.CPUs))
	var own, chosen unix.CPUSet
	if want <= 0 || unix.SchedGetaffinity(0, &own) != nil || own.Count() <= want {
		return
	}
	var all []int
	for cpu := 0; len(all) < own.Count(); cpu++ {
		if own.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	for i, first := 0, rand.IntN(len(all)); i < want; i++ { // different ones for each sandbox
		chosen.Set(all[(first+i)%len(all)])
	}
	_ = unix.SchedSetaffinity(pid,
		&chosen) // if this fails, the program only starts too many threads
}

// usageInterval is the time between two evaluations of rules about usage.
const usageInterval = 250 * time.Millisecond

// watchUsage evaluates the rules about usage until the process ends.
func (p *Process) watchUsage() {
	tick := time.NewTicker(usageInterval)
	defer tick.Stop()
	var cpu time.Duration
	last := p.began
	for {
		select {
		case <-p.done:
			return
		case now := <-tick.C:
			if p.box.isPaused() {
				last = now
				continue
			}
			used, limits := p.child.usage(), p.box.policy().Limits
			u := monitor.Usage{Memory: used.MemoryCurrent, PIDs: used.PIDsCurrent,
				CPU: max(used.CPU.Seconds(), 0), Seconds: now.Sub(p.began).Seconds(),
				MemoryPercent: percent(used.MemoryCurrent, int64(limits.Memory)),
				PIDsPercent:   percent(used.PIDsCurrent, limits.PIDs)}
			if passed := now.Sub(last); passed > 0 && used.CPU >= cpu {
				u.CPUPercent = 100 * float64(used.CPU-cpu) / float64(passed)
			}
			cpu, last = used.CPU, now
			u.Sent, u.Received = p.Traffic()
			p.recorder.Usage(u)
		}
	}
}

// percent returns 0 without a limit, or if the amount is unknown.
func percent(amount, limit int64) float64 {
	if amount < 0 || limit <= 0 {
		return 0
	}
	return 100 * float64(amount) / float64(limit)
}
