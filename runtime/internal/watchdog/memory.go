package watchdog

import (
	"bytes"
	"strconv"
	"time"
)

// memoryJudge decides whether the sandbox exceeds its memory limit. The cheap sum counts a page
// once for each process that maps it, which is too much after a fork. Only if this sum is above the
// limit, it reads each process's proportional share, for which the kernel walks the page tables.
type memoryJudge struct {
	limit  int64
	memfds map[uint64]int64 // inode → bytes
	scan   fdScan

	segments map[uint64]int64 // of System V shared memory: id → bytes
	list     []byte           // as read
	sockets  int64            // bytes in the queues of sockets

	exact   int64     // the last exact figure
	atSum   int64     // the cheap sum it belonged to
	recheck time.Time // when pages may have been unshared enough to matter
}

// growthPerSecond is about the highest speed at which memory can grow. Page faults and zeroing
// bound it.
const growthPerSecond = 4 << 30

// timeToFill returns how long it takes to fill the room at this speed.
func timeToFill(room int64) time.Duration {
	return time.Duration(float64(max(room, 0)) / growthPerSecond * float64(time.Second))
}

// over returns the memory, as exactly as needed, and whether it exceeds the limit.
func (m *memoryJudge) over(r *reader, procs []process, s sample, now time.Time) (int64, bool) {
	if m.limit <= 0 || s.memory <= m.limit {
		return 0, false
	}
	if len(procs) == 1 && procs[0].shmem == 0 && m.counted() == 0 {
		return s.memory, true // no process shares pages
	}
	// After an exact figure below the limit, the remaining room must first be filled.
	if room := m.limit - m.exact; m.atSum > 0 && s.memory-m.atSum < room && now.Before(m.recheck) {
		return 0, false
	}
	begin := time.Now()
	m.scanMemfds(procs, fdsPerLook)
	m.exact, m.atSum = m.exactSum(r, procs), s.memory
	if m.exact > m.limit {
		return m.exact, true
	}
	cost := time.Since(begin)
	m.recheck = now.Add(max(timeToFill(m.limit-m.exact), 10*cost))
	return 0, false
}

// ceiling is what is known about a sum that counts shared pages twice.
func (m *memoryJudge) ceiling(sum int64) int64 {
	if m.limit > 0 && sum > m.limit && m.atSum > 0 {
		return min(m.exact+max(sum-m.atSum, 0), sum)
	}
	return sum
}

// counted is the memory that counts as a whole, whoever has mapped it.
func (m *memoryJudge) counted() int64 { return sum(m.memfds) + sum(m.segments) + m.sockets }

// exactSum adds each process's proportional share, and each memfd and segment once.
func (m *memoryJudge) exactSum(r *reader, procs []process) int64 {
	total := m.counted()
	for _, p := range procs {
		total += p.tables
		if len(m.memfds)+len(m.segments) == 0 {
			text := r.read(strconv.Itoa(p.mem), "smaps_rollup")
			total += (max(field(text, "Pss_Anon:"), 0) + max(field(text, "Pss_Shmem:"), 0)) << 10
		} else {
			total += m.shareByMapping(r.read(strconv.Itoa(p.mem), "smaps"))
		}
	}
	return total
}

// shareByMapping sums anonymous and shared memory of an smaps text, without the mappings of memfds
// and segments that are counted whole already. A segment's id is its inode.
func (m *memoryJudge) shareByMapping(text []byte) int64 {
	var total, pss, anonymous int64
	var counted, shared bool
	flush := func() {
		switch {
		case counted:
		case shared:
			total += pss
		default:
			total += min(pss, anonymous)
		}
		pss, anonymous = 0, 0
	}
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		switch {
		case len(f) >= 5 && bytes.IndexByte(f[0], '-') > 0: // address perms offset dev inode [path]
			flush()
			inode, _ := strconv.ParseUint(string(f[4]), 10, 64)
			counted, shared = false, len(f) > 5 && isSharedMemory(f[5])
			switch {
			case !shared:
			case bytes.HasPrefix(f[5], []byte("/memfd:")):
				_, counted = m.memfds[inode]
			case bytes.HasPrefix(f[5], []byte("/SYSV")):
				_, counted = m.segments[inode]
			}
		case len(f) >= 2 && string(f[0]) == "Pss:":
			pss = kib(f[1])
		case len(f) >= 2 && string(f[0]) == "Anonymous:":
			anonymous = kib(f[1])
		}
	}
	flush()
	return total
}

func isSharedMemory(path []byte) bool {
	for _, prefix := range []string{"/memfd:", "/dev/zero", "/SYSV", "/dev/shm/",
		"/anon_hugepage"} {
		if bytes.HasPrefix(path, []byte(prefix)) {
			return true
		}
	}
	return false
}

func kib(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return n << 10
}
