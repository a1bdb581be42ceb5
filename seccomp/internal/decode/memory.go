package decode

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const (
	pageSize = 4096
	pathMax  = 4096 // PATH_MAX, with the NUL
)

// Memory reads the calling program's memory. The memory may change at any time, and nothing in it
// can be trusted. A text ends at an unreadable page.
type Memory interface {
	// Read fills b from address and returns the number of bytes that it could read.
	Read(b []byte, address uint64) int
}

// ProcessMemory reads with process_vm_readv: one call, no descriptor, and the same permission check
// as /proc/<pid>/mem. Whether pid is still the caller is checked after reading
// (SECCOMP_IOCTL_NOTIF_ID_VALID).
type ProcessMemory int

func (pid ProcessMemory) Read(b []byte, address uint64) int {
	if pid <= 0 || len(b) == 0 || address+uint64(len(b)) < address {
		return 0
	}
	// One remote range per page: the kernel stops at the first range that it cannot read.
	var pages [pathMax/pageSize + 1]unix.RemoteIovec
	ranges := pages[:0]
	for at, end := address, address+uint64(len(b)); at < end && len(ranges) < cap(ranges); {
		n := min(pageSize-at%pageSize, end-at)
		ranges = append(ranges, unix.RemoteIovec{Base: uintptr(at), Len: int(n)})
		at += n
	}
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(int(pid), local, ranges, 0)
	if err != nil {
		return 0
	}
	return n
}

// text reads a NUL-terminated string of at most limit bytes. ok is false if it cannot be read or
// does not end. Most strings are short, so a short read comes first.
func text(m Memory, address uint64, limit int) (string, bool) {
	var short [256]byte
	first := min(limit, len(short))
	if n := m.Read(short[:first], address); n == 0 {
		return "", false
	} else if i := bytes.IndexByte(short[:n], 0); i >= 0 {
		return string(short[:i]), true
	} else if n < first || limit <= first {
		return "", false
	}
	long := make([]byte, limit)
	n := m.Read(long, address)
	if i := bytes.IndexByte(long[:n], 0); i >= 0 {
		return string(long[:i]), true
	}
	return "", false
}

// word reads a pointer of the caller's size.
func word(m Memory, address uint64, size int) (uint64, bool) {
	var b [8]byte
	if m.Read(b[:size], address) != size {
		return 0, false
	}
	return binary.NativeEndian.Uint64(b[:]), true
}
