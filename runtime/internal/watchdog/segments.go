package watchdog

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// readSegments reads the System V shared memory of the sandbox's IPC namespace: segments keep their
// memory when no process has attached them. segments returns a descriptor of the list, or -1.
func (m *memoryJudge) readSegments(segments func() int) {
	if segments == nil {
		return
	}
	fd := segments()
	if fd < 0 {
		return
	}
	m.list = m.list[:0]
	for {
		if len(m.list) == cap(m.list) {
			m.list = append(m.list, make([]byte, 4096)...)[:len(m.list)]
		}
		n, err := unix.Pread(fd, m.list[len(m.list):cap(m.list)], int64(len(m.list)))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		m.list = m.list[:len(m.list)+n]
	}
	m.segments = parseSegments(m.list)
}

// parseSegments returns the memory of each segment, by its id. sysvipc(7): key, shmid, perms, size,
// cpid, lpid, nattch, four ids, three times, rss, swap
func parseSegments(list []byte) (segments map[uint64]int64) {
	const id, rss, swap = 1, 14, 15
	for line := range bytes.Lines(list) {
		f := bytes.Fields(line)
		if len(f) <= swap {
			continue
		}
		shmid, err := strconv.ParseUint(string(f[id]), 10, 64)
		inMemory, err2 := strconv.ParseInt(string(f[rss]), 10, 64)
		swapped, err3 := strconv.ParseInt(string(f[swap]), 10, 64)
		if err != nil || err2 != nil || err3 != nil {
			continue // the heading
		}
		if segments == nil {
			segments = map[uint64]int64{}
		}
		segments[shmid] = inMemory + swapped
	}
	return segments
}
