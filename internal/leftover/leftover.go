// Package leftover finds files that a program has left in folders that are removed with its
// sandbox.
//
//	folders := leftover.Open([]leftover.Place{{Path: "/home/user", Host: root + "/home/user"}})
//	… the program runs and ends …
//	for _, f := range folders.Found() { … f.Path, f.Files, f.First … }
//	folders.Close()
//
// An open folder outlives its mount: it can still be read after the sandbox has ended.
package leftover

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// Place is a folder: its path inside the sandbox, and its path from here.
type Place struct {
	Path string
	Host string
}

// Folders are held open.
type Folders struct {
	places []Place
	dirs   []*os.File
}

// Found is a folder with files left in it.
type Found struct {
	Path  string
	First string // one of the files, below Path
	Files int    // number of files with content, at most most
}

// most is the maximum number of entries that are read.
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

// Close closes the folders.
func (f *Folders) Close() {
	for _, d := range f.dirs {
		d.Close()
	}
}

// Found lists the folders with files that a program probably wants to keep. It ignores caches, logs
// of package managers and empty files.
func (f *Folders) Found() (out []Found) {
	for i, d := range f.dirs {
		if names, _ := d.Readdirnames(1); len(names) == 0 {
			continue
		}
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
				return fs.SkipDir // a mount is not removed with the sandbox
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

// deviceOf returns the device of a file's file system.
func deviceOf(info fs.FileInfo, err error) uint64 {
	if err != nil {
		return 0
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	return st.Dev
}

// cache reports whether a folder's content can be made again.
func cache(name string) bool {
	switch path.Base(name) {
	case ".cache", "__pycache__", ".npm", "node-compile-cache", ".pki", ".X11-unix", ".dotnet",
		"hsperfdata_user", "go-build", ".net":
		return true
	}
	return strings.HasPrefix(path.Base(name), ".org.chromium.") ||
		strings.HasPrefix(path.Base(name), "go-build")
}
