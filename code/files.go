package code

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// Bounds of what comes back from /work/out. More is left behind, and Result.FilesCut says how much.
const (
	maxFiles     = 64
	maxFileBytes = 8 << 20
	maxAllBytes  = 16 << 20
	maxEntries   = 10_000 // that are looked at
	maxDepth     = 16
	maxFileName  = 255
)

// outFolder is where a snippet leaves what is to come back.
const outFolder = "/work/out"

// OutFile is a file that the snippet left.
type OutFile struct {
	Name   string `json:"name"` // below /work/out, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Path   string `json:"path,omitempty"` // where it was written, by WriteFiles
	Data   []byte `json:"-"`
}

// collector holds on to a sandbox's /work until its files are read.
type collector struct {
	work    *os.File // O_PATH
	limits  limits
	files   []OutFile
	entries int
	bytes   int64
	cut     int
}

type limits struct {
	files     int
	file, all int64
}

var snippetFiles = limits{files: maxFiles, file: maxFileBytes, all: maxAllBytes}

// open takes the folder while the process is there. It can't have done anything yet, or nothing to
// /work itself: the sandbox's root is read-only.
func (c *collector) open(p *mcpruntime.Process) {
	if c.work != nil {
		return
	}
	fd, err := unix.Open(p.Root()+"/work",
		unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		c.work = os.NewFile(uintptr(fd), "/work")
	}
}

func (c *collector) close() {
	if c.work != nil {
		c.work.Close()
	}
}

// collect reads what there is, after the last process has ended. Nothing that the snippet made is
// followed: no link, no mount; what is no regular file is not opened for reading.
func (c *collector) collect() {
	if c.work == nil {
		return
	}
	dir, err := beneath(c.work, path.Base(outFolder), unix.O_DIRECTORY)
	if err != nil {
		return
	}
	c.folder(dir, "", 0)
	slices.SortFunc(c.files, func(a, b OutFile) int { return strings.Compare(a.Name, b.Name) })
}

func beneath(dir *os.File, name string, flags uint64) (*os.File, error) {
	fd, err := unix.Openat2(int(dir.Fd()), name, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY |
			unix.O_CLOEXEC | flags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS |
			unix.RESOLVE_NO_XDEV,
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (c *collector) folder(dir *os.File, prefix string, depth int) {
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(256)
		for _, e := range entries {
			if c.entries++; c.entries > maxEntries {
				c.cut++
				return
			}
			c.entry(dir, prefix, e, depth)
		}
		if err != nil || len(entries) == 0 {
			return
		}
	}
}

func (c *collector) entry(dir *os.File, prefix string, e fs.DirEntry, depth int) {
	name := e.Name()
	switch {
	case !plainName(name) || depth >= maxDepth:
		c.cut++
	case e.IsDir():
		sub, err := beneath(dir, name, unix.O_DIRECTORY)
		if err != nil {
			c.cut++
			return
		}
		c.folder(sub, prefix+name+"/", depth+1)
	case e.Type().IsRegular():
		if len(c.files) >= c.limits.files || !c.file(dir, prefix+name, name) {
			c.cut++
		}
	default:
		c.cut++
	}
}

func plainName(name string) bool {
	return len(name) <= maxFileName && utf8.ValidString(name) &&
		strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }) < 0
}

func (c *collector) file(dir *os.File, full, name string) bool {
	f, err := beneath(dir, name, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > c.limits.file ||
		c.bytes+st.Size() > c.limits.all {
		return false
	}
	data, err := io.ReadAll(io.LimitReader(f, st.Size()))
	if err != nil {
		return false
	}
	c.bytes += int64(len(data))
	sum := sha256.Sum256(data)
	c.files = append(c.files,
		OutFile{Name: full, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Data: data})
	return true
}

// WriteFiles writes what came back below dir, which is made if it is not there. A file that exists
// already is not replaced, and no link in dir is followed out of it.
func (r *Result) WriteFiles(dir string) error {
	if len(r.Files) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var failed error
	for i := range r.Files {
		f := &r.Files[i]
		if err := writeFile(root, f); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		f.Path = filepath.Join(dir, filepath.FromSlash(f.Name))
	}
	return failed
}

func writeFile(root *os.Root, f *OutFile) error {
	if folder := path.Dir(f.Name); folder != "." {
		if err := root.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	out, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(f.Data)
	return errors.Join(err, out.Close())
}
