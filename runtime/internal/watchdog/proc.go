package watchdog

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// process is one sample of a live process.
type process struct {
	pid     int
	mem     int // the thread whose /proc files show memory and descriptors: the first living one
	threads int64
	anon    int64 // bytes
	shmem   int64 // bytes, mapped shared memory
	tables  int64 // bytes of page tables
	file    int64 // bytes of mapped files, which are the host's cache and not the sandbox's
}

type sample struct{ memory, tasks, file int64 }

func sampleOf(procs []process) sample {
	var s sample
	for _, p := range procs {
		s.memory += p.anon + p.shmem + p.tables
		s.file += p.file
		s.tasks += p.threads
	}
	return s
}

// reader reads /proc with plain system calls into one buffer: os.File costs
// more than the read itself.
type reader struct {
	init      int
	initStart uint64 // starttime, to detect that the pid was reused
	tool      int
	toolStart uint64
	buf       []byte
	path      []byte
	queue     []int
	children  bool // the kernel has …/children
}

// hasChildren: CONFIG_PROC_CHILDREN.
var hasChildren = sync.OnceValue(func() bool {
	return unix.Access("/proc/thread-self/children", unix.F_OK) == nil
})

func newReader(init, tool int) *reader {
	r := &reader{init: init, tool: tool, buf: make([]byte, 4<<10)}
	r.initStart = r.startTime(init)
	if tool != 0 {
		r.toolStart = r.startTime(tool)
	}
	r.children = hasChildren()
	return r
}

// read returns the file's beginning, valid until the next read; nil if it can't be read.
func (r *reader) read(parts ...string) []byte {
	r.path = append(r.path[:0], "/proc"...)
	for _, p := range parts {
		r.path = append(append(r.path, '/'), p...)
	}
	fd, err := unix.Open(string(r.path), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	total := 0
	for {
		n, err := unix.Read(fd, r.buf[total:])
		if n <= 0 || err != nil {
			return r.buf[:total]
		}
		if total += n; total == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
	}
}

// processes samples everything below PID 1. ok is false if PID 1 has ended.
func (r *reader) processes() ([]process, bool) {
	if r.startTime(r.init) != r.initStart || r.initStart == 0 {
		return nil, false
	}
	var procs []process
	if !r.children {
		for _, pid := range r.scan() {
			if p, ok := r.status(pid); ok {
				procs = append(procs, p)
			}
		}
		return procs, true
	}
	r.queue = r.roots(r.queue[:0])
	for i := 0; i < len(r.queue); i++ {
		if p, ok := r.status(r.queue[i]); ok {
			procs = append(procs, p)
			r.queue = r.childrenOf(p, r.queue)
		}
	}
	return procs, true
}

// roots returns PID 1's children. If the tool is known, it does not read the files of each of PID
// 1's threads: orphans go to the first thread. Each file in /proc/…/task/… adds an entry to the
// kernel's cache. PID 1's threads remove these entries at their end, and a process that waits for
// PID 1 has to wait for that (2 ms measured).
func (r *reader) roots(pids []int) []int {
	if r.tool == 0 {
		return r.childrenOf(process{pid: r.init}, pids)
	}
	pids = r.childrenOf(process{pid: r.init, threads: 1}, pids)
	if !slices.Contains(pids, r.tool) && r.toolStart != 0 && r.startTime(r.tool) == r.toolStart {
		pids = append(pids, r.tool)
	}
	return pids
}

func (r *reader) status(pid int) (process, bool) {
	text := r.read(strconv.Itoa(pid), "status")
	if len(text) == 0 {
		return process{}, false
	}
	// A zombie has no memory lines, but is still a task.
	p := process{pid: pid, mem: pid, threads: max(field(text, "Threads:"), 1)}
	if p.threads > 1 && field(text,
		"RssAnon:") < 0 { // the main thread has ended, but others continue
		for _, name := range names("/proc/" + strconv.Itoa(pid) + "/task") {
			if text = r.read(strconv.Itoa(pid), "task", name, "status"); field(text,
				"RssAnon:") >= 0 {
				p.mem, _ = strconv.Atoi(name)
				break
			}
		}
	}
	bytes := func(key string) int64 { return max(field(text, key), 0) << 10 }
	p.anon, p.shmem, p.file = bytes("RssAnon:"), bytes("RssShmem:"), bytes("RssFile:")
	p.tables = bytes("VmPTE:")
	return p, true
}

// field finds "Key:   123 …" at the beginning of a line.
func field(text []byte, key string) int64 {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(key))
		if !ok {
			continue
		}
		f := bytes.Fields(rest)
		if len(f) == 0 {
			return -1
		}
		n, err := strconv.ParseInt(string(f[0]), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	return -1
}

// cpuTimes holds a process's own CPU times (of all threads), and those of the children that it
// waited for.
type cpuTimes struct{ user, system, childUser, childSystem time.Duration }

func (t cpuTimes) reaped() time.Duration { return t.childUser + t.childSystem }

// tick is USER_HZ, 100 on every architecture that Go runs on.
const tick = time.Second / 100

func (r *reader) times(pid int) (cpuTimes, bool) {
	f := r.stat(pid)
	if f == nil {
		return cpuTimes{}, false
	}
	at := func(i int) time.Duration {
		n, _ := strconv.ParseInt(string(f[i]), 10, 64)
		return time.Duration(n) * tick
	}
	return cpuTimes{at(11), at(12), at(13), at(14)}, true
}

func (r *reader) startTime(pid int) uint64 {
	f := r.stat(pid)
	if f == nil {
		return 0
	}
	n, _ := strconv.ParseUint(string(f[19]), 10, 64)
	return n
}

// stat returns the fields after the command's name, because the name may contain anything. Index 0
// is field 3 of proc(5).
func (r *reader) stat(pid int) [][]byte {
	text := r.read(strconv.Itoa(pid), "stat")
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return nil
	}
	if f := bytes.Fields(text[end+1:]); len(f) > 19 {
		return f
	}
	return nil
}
