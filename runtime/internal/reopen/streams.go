package reopen

import (
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/runtime/internal/landlock"
	"github.com/mcpbox/mcpbox/seccomp"
)

// Streams are the files behind a process's standard descriptors.
type Streams struct {
	files    [3]file
	uid, gid uint32 // of the tool, in this namespace
}

// file says what one descriptor allows. A kind of 0 means that the file can't be opened again.
type file struct {
	dev, ino    uint64
	kind        uint32 // S_IFMT of its mode
	read, write bool
	readable    bool // the kernel allows the tool to read, by owner and mode
	writable    bool
}

// New checks the descriptors that will be the tool's 0, 1 and 2, and changes the owner or mode of
// pipes.
func New(fds []int, toolUID, toolGID int) *Streams {
	s := &Streams{uid: uint32(toolUID), gid: uint32(toolGID)}
	for i, fd := range fds {
		if i < len(s.files) {
			s.files[i] = s.look(fd)
		}
	}
	return s
}

func (s *Streams) look(fd int) file {
	var st unix.Stat_t
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_PATH != 0 || unix.Fstat(fd, &st) != nil {
		return file{}
	}
	f := file{dev: st.Dev, ino: st.Ino, kind: st.Mode & unix.S_IFMT}
	f.read, f.write = accessOf(flags)
	switch f.kind {
	case unix.S_IFREG, unix.S_IFCHR:
	case unix.S_IFIFO:
		if !anonymous(fd) {
			return file{}
		}
		st = s.widen(fd, f, st)
	default:
		return file{}
	}
	class := st.Mode & 7 // others
	switch {
	case st.Uid == s.uid:
		class = st.Mode >> 6 & 7
	case st.Gid == s.gid:
		class = st.Mode >> 3 & 7
	}
	f.readable, f.writable = class&4 != 0, class&2 != 0
	return f
}

func accessOf(flags int) (read, write bool) {
	switch flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		return true, false
	case unix.O_WRONLY:
		return false, true
	case unix.O_RDWR:
		return true, true
	}
	return false, false
}

// anonymous reports whether a pipe comes from pipe(2). The inode of a named pipe is in a folder of
// the host.
func anonymous(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) == nil && fs.Type == unix.PIPEFS_MAGIC
}

// widen lets the tool open a pipe in the descriptor's direction. Reader and writer use different
// classes of the mode, so that of two sandboxes in one pipeline neither can open the other's end:
// for an owner only the owner's bits count. The former owner keeps access through the group's bits,
// and root has it anyway. The change is not undone, because another sandbox may use the pipe, and
// the pipe ends with its last descriptor.
func (s *Streams) widen(fd int, f file, st unix.Stat_t) unix.Stat_t {
	if st.Uid == s.uid {
		return st
	}
	mode := st.Mode & 0o777
	if f.write {
		mode |= 0o002
	}
	if f.read {
		if unix.Fchown(fd, int(s.uid), -1) == nil {
			mode = mode&0o077 | 0o400 | st.Mode>>3&0o070
			st.Uid = s.uid
		} else {
			mode |= 0o004 // a user can't change the owner of a pipe
		}
		if f.write {
			mode |= 0o200
		}
	}
	if unix.Fchmod(fd, mode) == nil {
		st.Mode = st.Mode&^0o777 | mode
	}
	return st
}

// Opens returns the kinds of open that the kernel would refuse on one of the tool's streams.
func (s *Streams) Opens() (o seccomp.Opens) {
	for _, f := range s.files {
		o.Read = o.Read || f.read && !f.readable
		o.Write = o.Write || f.write && !f.writable
	}
	return o
}

// Landlock returns the rights to open the file behind descriptor i again. It returns 0 if no rule
// is needed: Landlock does not restrict pipes.
func (s *Streams) Landlock(i int) uint64 {
	f := s.files[i]
	if f.kind != unix.S_IFREG && f.kind != unix.S_IFCHR {
		return 0
	}
	return landlock.FileRights(f.read, f.write, f.kind == unix.S_IFCHR)
}
