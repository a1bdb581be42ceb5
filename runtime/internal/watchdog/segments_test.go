package watchdog

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

const listing = `       key      shmid perms       size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime        rss       swap
         0          7  1600   16777216    12    12      0  1000  1000  1000  1000 1795628088 1795628088 1795628088   16777216       4096
        -5          9   600         56    12    12      1  1000  1000  1000  1000 1795628088 1795628088 1795628088       4096          0
`

func TestSegmentsAreParsed(t *testing.T) {
	got := parseSegments([]byte(listing))
	if len(got) != 2 || got[7] != 16777216+4096 || got[9] != 4096 {
		t.Errorf("%v", got)
	}
}

// A segment counts once: as a whole, and not again for each process that has attached it.
func TestAttachedSegmentsCountOnce(t *testing.T) {
	const maps = `7f0000000000-7f0001000000 rw-s 00000000 00:01 7                          /SYSV00000000 (deleted)
Pss:               16384 kB
Anonymous:             0 kB
7f0002000000-7f0003000000 rw-p 00000000 00:00 0
Pss:                1024 kB
Anonymous:          1024 kB
`
	m := memoryJudge{}
	if got := m.shareByMapping([]byte(maps)); got != 17<<20 {
		t.Errorf("a segment that is not known: %d", got)
	}
	m.segments = parseSegments([]byte(listing))
	if got := m.shareByMapping([]byte(maps)); got != 1<<20 {
		t.Errorf("a segment that is known: %d", got)
	}
}

// The list can be read again and again, with one descriptor.
func TestTheListOfSegmentsIsRead(t *testing.T) {
	fd, err := unix.Open("/proc/sysvipc/shm", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		testhost.Lacks(t, "new-interface", "this kernel has no System V shared memory")
	}
	defer unix.Close(fd)
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 8<<20, unix.IPC_CREAT|0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) }()
	var m memoryJudge
	for _, fill := range []bool{false, true} {
		if fill {
			data, err := unix.SysvShmAttach(id, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(data); i += 4096 {
				data[i] = 1
			}
			if err := unix.SysvShmDetach(data); err != nil {
				t.Fatal(err)
			}
		}
		m.readSegments(func() int { return fd })
		if got := m.segments[uint64(id)]; got != map[bool]int64{false: 0, true: 8 << 20}[fill] {
			t.Errorf("filled %v: %d bytes", fill, got)
		}
	}
}
