package watchdog

import (
	"sync"

	"github.com/mcpbox/mcpbox/cgroups"
)

// taskCount knows the maximum possible number of tasks at every new task, without counting each
// time.
type taskCount struct {
	mu    sync.Mutex
	limit int64 // 0: none
	begun int64 // tasks that were asked for since the start
	base  int64 // tasks at the last look
	since int64 // begun at that time
	told  bool  // that the limit is reached

	looking sync.Mutex
	proc    *reader // of Forking
}

// slack allows for tasks that were requested but did not exist yet at the last look.
const slack = 8

func (t *taskCount) setLimit(limit int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit, t.told = limit, false
}

func (t *taskCount) forks() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun
}

// looked records a count, and reports whether the limit is reached and this was not reported yet.
func (t *taskCount) looked(tasks, forks int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base, t.since = tasks, forks
	reached := t.limit > 0 && tasks >= t.limit
	fresh := reached && !t.told
	t.told = reached
	return fresh
}

// add records a requested task. It reports whether the limit may be reached.
func (t *taskCount) add() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun++
	return t.limit > 0 && !t.told && t.base+t.begun-t.since+slack > t.limit
}

// Forking is called when the program requests a new task, before it gets the task. Near the limit
// it counts. If the limit is reached, it calls onBreach: the kernel will return EAGAIN.
func (w *Watchdog) Forking() {
	if !w.tasks.add() {
		return
	}
	t := &w.tasks
	t.looking.Lock()
	defer t.looking.Unlock()
	if t.proc == nil {
		t.proc = newReader(w.cfg.InitPID, w.cfg.Tool)
	}
	forks := t.forks() - 1 // this one does not exist yet
	procs, alive := t.proc.processes()
	tasks := sampleOf(procs).tasks
	if alive && t.looked(tasks, forks) {
		w.reached(tasks)
	}
}

func (w *Watchdog) reached(tasks int64) {
	w.mu.Lock()
	w.usage.PIDsPeak = max(w.usage.PIDsPeak, tasks)
	w.mu.Unlock()
	w.tasks.mu.Lock()
	limit := w.tasks.limit
	w.tasks.mu.Unlock()
	w.breach(cgroups.Breach{Limit: "pids", Value: limit, Observed: tasks})
}
