package watchdog

import (
	"runtime"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/cgroups"
)

// Backend names this package in results and events.
const Backend = "watchdog"

const (
	defaultInterval = 20 * time.Millisecond
	minInterval     = 2 * time.Millisecond
	// idleFactor is the longest pause while memory does not grow, in intervals.
	idleFactor      = 5
	fdScanInterval  = 100 * time.Millisecond // for memfds, while none is known
	socketsInterval = 50 * time.Millisecond
)

// Config sets the limits. Zero means no limit.
type Config struct {
	InitPID int // host pid of the sandbox's PID 1
	Tool    int // host pid of the process that PID 1 started; 0: find all that it started
	Memory  int64
	PIDs    int64 // tasks
	CPUTime time.Duration
	// Segments returns a descriptor of /proc/sysvipc/shm that was opened in the sandbox's IPC
	// namespace, or -1. It stays open until Stop.
	Segments func() int
	// Sockets returns the sockets of the sandbox's network namespace, or nil. They stay open until
	// Stop.
	Sockets  func() *Sockets
	Interval time.Duration // longest pause between two looks while memory grows; 20 ms if zero
}

// Watchdog watches one sandbox until Stop, or until its PID 1 has ended.
type Watchdog struct {
	cfg      Config
	onBreach func(cgroups.Breach)
	stop     chan struct{}
	stopped  chan struct{}
	ask      chan struct{} // for the first look, now
	looked   chan struct{} // closed after it, by seen
	seen     func()
	once     sync.Once

	mu    sync.Mutex
	usage cgroups.Usage
	next  *Config // new limits, which the loop will apply

	// Only the loop uses these.
	proc        *reader
	told        struct{ memory, cpu bool }
	tasks       taskCount
	memory      memoryJudge
	baseCPU     time.Duration // of children PID 1 had reaped before
	nextCPU     time.Time
	nextFDs     time.Time
	nextSockets time.Time
	lastSum     int64
	lastSample  time.Time
}

// Start starts to watch. onBreach is called once for memory and cpu_time (fatal), and each time
// that a look finds pids reached (not fatal, because RLIMIT_NPROC enforces it).
func Start(cfg Config, onBreach func(cgroups.Breach)) *Watchdog {
	w := New(cfg)
	w.Run(onBreach)
	return w
}

// Run starts to watch; see Start.
func (w *Watchdog) Run(onBreach func(cgroups.Breach)) {
	w.onBreach = onBreach
	go w.loop()
}

// New makes a Watchdog that does not watch yet. Run, once, starts it; without Run it needs no end.
func New(cfg Config) *Watchdog {
	if cfg.Interval <= 0 {
		cfg.Interval = defaultInterval
	}
	w := &Watchdog{
		cfg: cfg, stop: make(chan struct{}), stopped: make(chan struct{}),
		ask: make(chan struct{}), looked: make(chan struct{}),
		usage:       cgroups.UnknownUsage(),
		proc:        newReader(cfg.InitPID, cfg.Tool),
		nextSockets: time.Now().Add(socketsInterval), // a short run needs no list
	}
	w.seen = sync.OnceFunc(func() { close(w.looked) })
	w.memory.limit = cfg.Memory
	w.tasks.setLimit(cfg.PIDs)
	if t, ok := w.proc.times(cfg.InitPID); ok {
		w.baseCPU = t.reaped()
	}
	return w
}

// Stop takes a last look and ends the watch.
func (w *Watchdog) Stop() {
	w.once.Do(func() {
		close(w.stop)
		<-w.stopped
	})
}

// SetLimits changes the limits from the next look on. Zero means no limit.
func (w *Watchdog) SetLimits(memory, pids int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = &Config{Memory: memory, PIDs: pids}
}

// takeOver applies changed limits.
func (w *Watchdog) takeOver() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		return
	}
	w.cfg.Memory, w.cfg.PIDs = w.next.Memory, w.next.PIDs
	w.memory.limit = w.next.Memory
	w.tasks.setLimit(w.next.PIDs)
	w.next = nil
}

// Usage returns the highest usage so far; -1 means unknown. MemoryPeak counts pages that forks
// share once for each process, unless that exceeded the limit.
func (w *Watchdog) Usage() cgroups.Usage {
	select {
	case <-w.looked: // alone: a select over both would ask for a look now and then
	default:
		select {
		case <-w.looked:
		case w.ask <- struct{}{}: // the first look is now
			<-w.looked
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.usage
}

func (w *Watchdog) loop() {
	defer close(w.stopped)
	defer w.seen()
	timer := time.NewTimer(minInterval) // the tool has not been executed yet
	defer timer.Stop()
	for {
		var now time.Time
		select {
		case <-w.stop:
			w.look(time.Now(), true)
			return
		case <-w.ask:
			now = time.Now()
		case now = <-timer.C:
		}
		pause, alive := w.look(now, false)
		if !alive {
			return
		}
		timer.Reset(pause)
	}
}

// look takes one sample and compares it with the limits. It returns how long to wait.
func (w *Watchdog) look(now time.Time, last bool) (time.Duration, bool) {
	w.takeOver()
	procs, alive := w.proc.processes()
	if !alive {
		return 0, false
	}
	if last || now.After(w.nextFDs) {
		w.memory.scanMemfds(procs, fdsPerLook)
		w.nextFDs = now.Add(fdScanInterval)
		if len(w.memory.memfds) > 0 || len(w.memory.scan.tables) > 0 {
			w.nextFDs = now
		}
	}
	if w.cfg.Memory > 0 || last {
		w.memory.readSegments(w.cfg.Segments)
	}
	if w.cfg.Memory > 0 && w.cfg.Sockets != nil && now.After(w.nextSockets) {
		begin := time.Now()
		w.memory.sockets = w.cfg.Sockets().memory()
		w.nextSockets = now.Add(max(socketsInterval, 10*time.Since(begin)))
	}
	s := sampleOf(procs)
	s.memory += w.memory.counted()
	if w.tasks.looked(s.tasks) {
		w.breach(cgroups.Breach{Limit: "pids", Value: w.tasks.limit, Observed: s.tasks})
	}
	observed, over := w.memory.over(w.proc, procs, s, now)
	w.note(s)
	if over && !w.told.memory {
		w.told.memory = true
		w.breach(
			cgroups.Breach{Limit: "memory", Value: w.cfg.Memory, Observed: observed, Fatal: true})
	}
	if last || now.After(w.nextCPU) {
		w.lookCPU(procs, now)
	}
	pause := w.pause(s.memory, now)
	if w.cfg.CPUTime > 0 {
		pause = min(pause, max(w.nextCPU.Sub(now), minInterval))
	}
	if len(w.memory.scan.tables) > 0 { // the walk over the descriptors continues, at half the speed
		pause = min(pause, max(time.Since(now), minInterval))
	}
	w.lastSum, w.lastSample = s.memory, now
	w.seen()
	return pause, true
}

func (w *Watchdog) breach(b cgroups.Breach) {
	b.Backend, b.Count = Backend, 1
	w.seen() // who hears of it may ask for the usage
	w.onBreach(b)
}

func (w *Watchdog) note(s sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.usage.MemoryCurrent, w.usage.PIDsCurrent = s.memory, s.tasks
	w.usage.MemoryPeak = max(w.usage.MemoryPeak, w.memory.ceiling(s.memory))
	w.usage.FilePeak = max(w.usage.FilePeak, s.file)
	w.usage.PIDsPeak = max(w.usage.PIDsPeak, s.tasks)
}

// lookCPU sums the CPU time of living and of reaped processes. The sum can drop between an exit and
// the wait for it, so the highest value counts.
func (w *Watchdog) lookCPU(procs []process, now time.Time) {
	var user, system time.Duration
	if t, ok := w.proc.times(w.cfg.InitPID); ok {
		user, system = t.childUser, t.childSystem
	}
	for _, p := range procs {
		if t, ok := w.proc.times(p.pid); ok {
			user += t.user + t.childUser
			system += t.system + t.childSystem
		}
	}
	w.mu.Lock()
	if used := user + system - w.baseCPU; used > w.usage.CPU {
		w.usage.CPU = used
	}
	used := w.usage.CPU
	w.mu.Unlock()
	w.nextCPU = now.Add(250 * time.Millisecond)
	if w.cfg.CPUTime <= 0 {
		return
	}
	w.nextCPU = now.Add(min(250*time.Millisecond,
		(w.cfg.CPUTime-used)/time.Duration(runtime.NumCPU())))
	if used >= w.cfg.CPUTime && !w.told.cpu {
		w.told.cpu = true
		w.breach(cgroups.Breach{Limit: "cpu_time", Value: w.cfg.CPUTime.Milliseconds(),
			Observed: used.Milliseconds(), Fatal: true})
	}
}

// pause returns the time to the next look. While memory grows, it is a quarter of the time to the
// limit at the current speed, and at most the interval. While memory does not grow, it is longer,
// but never so long that the room could be filled in between.
func (w *Watchdog) pause(sum int64, now time.Time) time.Duration {
	elapsed, grown := now.Sub(w.lastSample), sum-w.lastSum
	room := max(w.cfg.Memory-sum, 0)
	if w.lastSample.IsZero() || elapsed <= 0 {
		return w.cfg.Interval
	}
	if w.cfg.Memory <= 0 {
		return idleFactor * w.cfg.Interval
	}
	if grown <= 0 {
		return min(max(timeToFill(room), w.cfg.Interval), idleFactor*w.cfg.Interval)
	}
	return min(max(time.Duration(float64(room)/float64(grown)*float64(elapsed)/4), minInterval),
		w.cfg.Interval)
}
