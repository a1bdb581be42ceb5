package watchdog

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fdsPerLook bounds the work of one look: a program may have a hundred processes with a thousand
// descriptors each, and during the walk nobody checks its memory. The next look continues there.
const fdsPerLook = 4096

// fdScan is a walk over the descriptors of all processes, which may take several looks.
type fdScan struct {
	tables []string // folders of descriptors that remain to be read
	names  []string // of the first one
	found  map[uint64]int64
}

// scanMemfds finds memory behind descriptors that is not mapped. It reads at most budget
// descriptors. A higher total counts at once, a lower one only when the walk is complete.
func (m *memoryJudge) scanMemfds(procs []process, budget int) {
	s := &m.scan
	if len(s.tables) == 0 && len(s.names) == 0 {
		s.found = nil
		for _, p := range procs {
			s.tables = append(s.tables, fdTables(p)...)
		}
	}
	for len(s.tables) > 0 && budget > 0 {
		dir := s.tables[0]
		if s.names == nil {
			s.names = names(dir)
		}
		n := min(budget, len(s.names))
		for _, name := range s.names[:n] {
			s.look(dir + "/" + name)
		}
		budget -= n + 1
		if s.names = s.names[n:]; len(s.names) == 0 {
			s.tables, s.names = s.tables[1:], nil
		}
	}
	if len(s.tables) == 0 || sum(s.found) > sum(m.memfds) {
		m.memfds = s.found
	}
}

func sum(sizes map[uint64]int64) (n int64) {
	for _, size := range sizes {
		n += size
	}
	return n
}

func (s *fdScan) look(path string) {
	var link [64]byte
	n, err := unix.Readlink(path, link[:])
	if err != nil || !strings.HasPrefix(string(link[:n]), "/memfd:") {
		return
	}
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return
	}
	if s.found == nil {
		s.found = map[uint64]int64{}
	}
	s.found[st.Ino] = st.Blocks * 512
}

// fdTables returns the folders of a process's descriptors. Usually there is one, but a thread that
// was created without CLONE_FILES has its own.
func fdTables(p process) []string {
	dir := "/proc/" + strconv.Itoa(p.mem)
	tables := []string{dir + "/fd"}
	if p.threads < 2 {
		return tables
	}
	own := "/proc/" + strconv.Itoa(p.pid) + "/task"
	for _, name := range names(own) {
		tid, err := strconv.Atoi(name)
		if err == nil && tid != p.mem && !sameFiles(p.mem, tid) {
			tables = append(tables, own+"/"+name+"/fd")
		}
	}
	return tables
}

// sameFiles reports whether two threads share their descriptors. kcmp(2)
func sameFiles(a, b int) bool {
	const files = 2 // KCMP_FILES
	n, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(a), uintptr(b), files, 0, 0, 0)
	return errno == 0 && n == 0 // on an error, treat them as different
}
