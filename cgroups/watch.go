package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// Backend is what enforces the limits of this package, as named in results.
const Backend = "cgroup2"

// Breach says that a limit was reached.
//
//	limit     value, observed               fatal
//	memory    bytes; the peak               killed (not fatal: an allocation failed)
//	pids      tasks                         no: fork failed with EAGAIN
//	cpu_time  milliseconds                  yes: the caller kills the tree
//	cpus      thousandths of a CPU; demand  no: the tree was throttled
type Breach struct {
	Limit    string
	Value    int64
	Observed int64
	Count    int64 // how often since the last report, ≥ 1
	Backend  string
	Fatal    bool
}

// Watch reports breaches of one leaf until Stop.
type Watch struct {
	leaf     *Leaf
	onBreach func(Breach)
	memory   *os.File // memory.events, or nil
	pids     *os.File // pids.events, or nil
	poller   *poller
	done     chan struct{}
	stopped  chan struct{}
	once     sync.Once
	seen     counters
}

// throttleInterval is how often cpu.stat is read while the tree may run.
const throttleInterval = 250 * time.Millisecond

// Watch starts to watch the leaf. onBreach is called from one goroutine at a time. Every breach up
// to Stop is delivered before Stop returns.
func (l *Leaf) Watch(onBreach func(Breach)) (*Watch, error) {
	w := &Watch{leaf: l, onBreach: onBreach, done: make(chan struct{}),
		stopped: make(chan struct{})}
	w.seen.start = time.Now()
	var fds []int
	for name, f := range map[string]**os.File{"memory.events": &w.memory, "pids.events": &w.pids} {
		file, err := os.Open(filepath.Join(l.dir(), name))
		if errors.Is(err, os.ErrNotExist) {
			continue // without the controller, there is no limit to watch
		}
		if err != nil {
			w.closeFiles()
			return nil, fmt.Errorf("watch cgroup %s: %w", l.path, err)
		}
		*f = file
		fds = append(fds, int(file.Fd()))
	}
	var err error
	if w.poller, err = newPoller(fds...); err != nil {
		w.closeFiles()
		return nil, err
	}
	go w.loop()
	return w, nil
}

// Stop checks a last time, because a breach may come just before the exit, and ends the watch.
func (w *Watch) Stop() {
	w.once.Do(func() {
		close(w.done)
		w.poller.interrupt()
		<-w.stopped
		w.check(true)
		w.poller.close()
		w.closeFiles()
	})
}

func (w *Watch) loop() {
	defer close(w.stopped)
	for {
		next := w.check(false)
		select {
		case <-w.done:
			return
		default:
		}
		w.poller.wait(next)
		select {
		case <-w.done:
			return
		default:
		}
	}
}

func (w *Watch) closeFiles() {
	for _, f := range []*os.File{w.memory, w.pids} {
		if f != nil {
			f.Close()
		}
	}
}

// nextLook returns the time when cpu.stat must be read again. The zero time means never.
func nextLook(now time.Time, l policies.Limits, used time.Duration) time.Time {
	switch {
	case l.CPUTime > 0:
		// The tree can't use the rest faster than all CPUs (or its quota) allow.
		speed := float64(runtime.NumCPU())
		if l.CPUs > 0 {
			speed = min(speed, max(l.CPUs, 0.01))
		}
		rest := time.Duration(float64(time.Duration(l.CPUTime)-used) / speed)
		rest = max(rest, 5*time.Millisecond)
		if l.CPUs > 0 {
			rest = min(rest, throttleInterval)
		}
		return now.Add(rest)
	case l.CPUs > 0:
		return now.Add(throttleInterval)
	}
	return time.Time{}
}
