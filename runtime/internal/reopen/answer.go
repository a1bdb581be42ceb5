package reopen

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/runtime/internal/deputy"
	"github.com/mcpbox/mcpbox/seccomp"
)

// kept are the flags of an open that have the same meaning for an existing file.
const kept = unix.O_ACCMODE | unix.O_TRUNC | unix.O_APPEND | unix.O_NONBLOCK |
	unix.O_SYNC | unix.O_DSYNC | unix.O_DIRECT

// Answer opens a standard stream for the tool. ok is false if the call opens something else, or
// wants more than the stream's descriptor allows. pid is the caller's process id inside.
//
// The path comes from memory that the tool can change. It only selects one of the tool's
// descriptors. The tool gets the file of this descriptor, if it is one of the streams.
func (s *Streams) Answer(c *seccomp.Call, pid int) (a seccomp.Answer, ok bool) {
	if s == nil || c.ArchName != "" || c.Path == nil {
		return a, false
	}
	flags := 0
	switch c.Name {
	case "open":
		flags = int(uint32(c.Raw[1]))
	case "openat":
		flags = int(uint32(c.Raw[2]))
	case "creat":
		flags = unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC
	default:
		return a, false
	}
	if flags&(unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_EXCL) != 0 {
		return a, false
	}
	n, ok := deputy.Descriptor(*c.Path, pid)
	if !ok {
		return a, false
	}
	file, err := s.open(c, n, flags)
	if err != nil {
		return a, false
	}
	return seccomp.Answer{File: file, CloseOnExec: flags&unix.O_CLOEXEC != 0}, true
}

// open pins the file first, so that it opens the file that it has checked.
func (s *Streams) open(c *seccomp.Call, n, flags int) (*os.File, error) {
	link := "/proc/" + strconv.Itoa(c.PID) + "/fd/" + strconv.Itoa(n)
	fd, err := unix.Open(link, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if !c.Waiting() {
		return nil, unix.ESRCH
	}
	read, write := accessOf(flags)
	if !read && !write || flags&unix.O_TRUNC != 0 && !write {
		return nil, unix.EACCES
	}
	var mayRead, mayWrite bool
	for _, f := range s.files {
		if f.kind != 0 && f.dev == st.Dev && f.ino == st.Ino {
			mayRead, mayWrite = mayRead || f.read, mayWrite || f.write
		}
	}
	if read && !mayRead || write && !mayWrite {
		return nil, unix.EACCES
	}
	how := flags&kept | unix.O_CLOEXEC | unix.O_NOCTTY
	if st.Mode&unix.S_IFMT == unix.S_IFCHR {
		// A serial line would wait for its carrier, but the listener must not wait.
		how |= unix.O_NONBLOCK
	}
	opened, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), how, 0)
	if err != nil {
		return nil, err
	}
	if how&unix.O_NONBLOCK != 0 && flags&unix.O_NONBLOCK == 0 {
		_, _ = unix.FcntlInt(uintptr(opened), unix.F_SETFL, flags&kept)
	}
	return os.NewFile(uintptr(opened), link), nil
}
