// Package reach finds out whether a tool could change a file that mcpbox relies on: a policy, pins,
// an allowlist, or a record about the tool.
//
//	r := reach.New(mounts, stdin, stdout, stderr)
//	if err := r.Check("events.jsonl"); err != nil { … } // says why, with a hint
//
// Files and folders are compared by device and inode, so another name or another mount of the same
// file counts. Each folder in a path counts too, and each symbolic link. If anything is bound
// writable, a file with several hard links is refused, because the package does not search for the
// other names.
//
// It does not see changes after the check, or files that another program of the host passes to the
// tool.
package reach

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Mount is a file or folder of the host that the tool sees.
type Mount struct {
	Source   string
	Writable bool
}

// Reach holds what a tool can change.
type Reach struct {
	writable map[inode]string // files and folders of mounts, by their path
	streams  map[inode]string // files that its standard streams can write to
	mounted  map[inode]string // files that it can read
}

type inode struct{ dev, ino uint64 }

// New checks the mounts' sources and the tool's standard streams. Nil streams are ignored.
func New(mounts []Mount, streams ...*os.File) *Reach {
	r := &Reach{writable: map[inode]string{}, streams: map[inode]string{},
		mounted: map[inode]string{}}
	for _, m := range mounts {
		st, err := os.Stat(m.Source)
		if err != nil {
			continue // the start reports it
		}
		if m.Writable {
			r.writable[of(st)] = m.Source
		} else {
			r.mounted[of(st)] = m.Source
		}
	}
	for _, f := range streams {
		if f == nil {
			continue
		}
		flags, err := status(f)
		if err != nil {
			continue
		}
		st, err := f.Stat()
		if err != nil || isNull(st) {
			continue
		}
		if flags&unix.O_ACCMODE != unix.O_RDONLY || st.Mode()&os.ModeNamedPipe != 0 {
			r.streams[of(st)] = f.Name()
		}
	}
	return r
}

// status returns the flags of F_GETFL. File.Fd would change the descriptor, which the caller
// shares.
func status(f *os.File) (flags int, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err2 := conn.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) })
	return flags, errors.Join(err, err2)
}

func of(st os.FileInfo) inode {
	s := st.Sys().(*syscall.Stat_t)
	return inode{s.Dev, s.Ino}
}

// isNull reports whether a file is /dev/null, where writing changes nothing.
func isNull(st os.FileInfo) bool {
	s := st.Sys().(*syscall.Stat_t)
	return st.Mode()&os.ModeCharDevice != 0 && s.Rdev == unix.Mkdev(1, 3)
}

const outside = "give a path outside the folders that are bound writable"

// Check returns nil if the tool cannot change the file at path. The file need not exist yet.
func (r *Reach) Check(path string) error {
	if path == "" {
		return nil
	}
	switch filepath.Clean(path) {
	case "-", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1",
		"/proc/self/fd/2", "/dev/tty":
		return forged(path)
	}
	abs := path // not cleaned: the kernel follows a link before it goes up
	if !filepath.IsAbs(path) {
		wd, err := os.Getwd()
		if err != nil {
			return err
		}
		abs = wd + "/" + path
	}
	if err := r.walk(path, abs); err != nil {
		return err
	}
	st, err := os.Stat(abs)
	if err != nil {
		return nil // opening it reports an error or creates it
	}
	return r.file(path, st)
}

func forged(path string) error {
	return hint.Errorf("give a file, or a FIFO with a reader",
		"the program itself writes to %q: it could forge the log", path)
}

// file checks the file at the end of the path.
func (r *Reach) file(path string, st os.FileInfo) error {
	id := of(st)
	if isNull(st) {
		return nil
	}
	if m, ok := r.writable[id]; ok {
		return hint.Errorf("bind a copy of it", "%s is %s, which the program could change", path, m)
	}
	if _, ok := r.streams[id]; ok {
		return forged(path)
	}
	if m, ok := r.mounted[id]; ok && !st.Mode().IsRegular() {
		return hint.Errorf("do not mount it", "%s is %s, from which the program could read", path,
			m)
	}
	n := st.Sys().(*syscall.Stat_t).Nlink
	if n > 1 && st.Mode().IsRegular() && len(r.writable) > 0 {
		return hint.Errorf("make a copy of it that has one name: cp FILE NEW, and name NEW",
			"%s has %d names (hard links), and the program could change it by another one",
			path, n)
	}
	return nil
}

// maxLinks is how many symbolic links the kernel follows. path_resolution(7)
const maxLinks = 40

var errLinks = errors.New("too many symbolic links")

// walk checks each folder in which a name of the path is looked up. A path may leave a writable
// folder by "..", because the tool cannot move a mounted folder.
func (r *Reach) walk(path, abs string) error {
	rest := strings.Split(abs, "/")
	at, links := "/", 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		if err := r.folder(path, at); err != nil {
			return err
		}
		next := filepath.Join(at, name)
		st, err := os.Lstat(next)
		switch {
		case err != nil:
			return nil // opening it reports the error
		case st.Mode()&os.ModeSymlink != 0:
			if links++; links > maxLinks {
				return hint.Errorf("name the file itself", "%s: %w", path, errLinks)
			}
			target, err := os.Readlink(next)
			if err != nil {
				return nil
			}
			if filepath.IsAbs(target) {
				at = "/"
			}
			rest = append(strings.Split(target, "/"), rest...)
		default:
			at = next
		}
	}
	return nil
}

func (r *Reach) folder(path, at string) error {
	st, err := os.Stat(at)
	if err != nil {
		return nil
	}
	if m, ok := r.writable[of(st)]; ok {
		return hint.Errorf(outside, "%s lies in %s, where the program could change it", path, m)
	}
	return nil
}
