// Package leftover looks at what a program has left in folders that go with its sandbox.
//
//	folders := leftover.Open([]leftover.Place{{Path: "/home/user", Host: root + "/home/user"}})
//	… the program runs and ends …
//	for _, f := range folders.Found() { … f.Path, f.Files, f.First … }
//	folders.Close()
//
// An open folder outlives its mount: it can be read when the sandbox is gone.
package leftover

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// Place is a folder: as the program sees it, and how it is reached from here.
type Place struct {
	Path string
	Host string
}

// Folders are held open.
type Folders struct {
	places []Place
	dirs   []*os.File
}

// Found is a folder in which something was left.
type Found struct {
	Path  string
	First string // one of the files, below Path
	Files int    // with content; at most most
}

// most is how many entries are looked at.
const most = 2000

// Open holds the folders that exist and can be read.
func Open(places []Place) *Folders {
	f := &Folders{}
	for _, p := range places {
		dir, err := os.Open(p.Host)
		if err != nil {
			continue
		}
		f.places, f.dirs = append(f.places, p), append(f.dirs, dir)
	}
	return f
}

// Close lets the folders go.
func (f *Folders) Close() {
	for _, d := range f.dirs {
		d.Close()
	}
}

// Found lists the folders with files in them that a program means to keep: caches, logs of package
// managers and empty files are not among them.
func (f *Folders) Found() (out []Found) {
	for i, d := range f.dirs {
		found := Found{Path: f.places[i].Path}
		seen := 0
		root, err := os.OpenRoot("/proc/self/fd/" + strconv.Itoa(int(d.Fd())))
		if err != nil {
			continue
		}
		own := deviceOf(d.Stat())
		_ = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
			if seen++; seen > most {
				return fs.SkipAll
			}
			switch {
			case err != nil:
				return nil
			case e.IsDir() && (cache(name) || deviceOf(e.Info()) != own):
				return fs.SkipDir // a mount stays
			case !e.Type().IsRegular():
				return nil
			}
			if info, err := e.Info(); err == nil && info.Size() > 0 && deviceOf(info, nil) == own {
				if found.Files++; found.First == "" {
					found.First = name
				}
			}
			return nil
		})
		root.Close()
		if found.Files > 0 {
			out = append(out, found)
		}
	}
	return out
}

// deviceOf is the file system that a file is on.
func deviceOf(info fs.FileInfo, err error) uint64 {
	if err != nil {
		return 0
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	return st.Dev
}

// cache reports a folder whose content nobody misses.
func cache(name string) bool {
	switch path.Base(name) {
	case ".cache", "__pycache__", ".npm", "node-compile-cache", ".pki", ".X11-unix", ".dotnet",
		"hsperfdata_user", "go-build":
		return true
	}
	return strings.HasPrefix(path.Base(name), ".org.chromium.") ||
		strings.HasPrefix(path.Base(name), "go-build")
}
