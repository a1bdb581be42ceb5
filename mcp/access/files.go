package access

import (
	"fmt"
	"path"
	"slices"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// Filesystem is the file system that a server sees. Paths are resolved as the server would.
type Filesystem interface {
	Root() string // a path on the host through which the server's file system can be seen
	Dir() string  // the server's working directory
}

// checkPaths checks a path, or a list of paths.
func checkPaths(v any, folders []string, fs Filesystem) error {
	switch v := v.(type) {
	case string:
		return checkPath(v, folders, fs)
	case []any:
		for _, item := range v {
			if err := checkPaths(item, folders, fs); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("not a path: %T", v)
}

// checkPath looks where a path leads, under every reading that servers may have of it.
func checkPath(p string, folders []string, fs Filesystem) error {
	for _, reading := range pathReadings(p) {
		file, err := filePath(reading)
		if err != nil {
			return err
		}
		if err := checkFile(file, folders, fs); err != nil {
			if reading != p {
				return fmt.Errorf("%q may be read as another path: %w", p, err)
			}
			return err
		}
	}
	return nil
}

// checkFile resolves a path as the server would, symbolic links and all, and looks where it ends.
// The server may find another file if a link changes in between; the sandbox's own walls hold all
// the same. Without a file system the path is taken as it is written.
func checkFile(file string, folders []string, fs Filesystem) error {
	p := file
	if !path.IsAbs(file) {
		if fs == nil { // where the server would look is not known
			if clean := path.Clean(file); clean == ".." || strings.HasPrefix(clean, "../") {
				return fmt.Errorf("%q leads out of the server's folder", p)
			}
			return nil
		}
		file = fs.Dir() + "/" + file
	}
	// A server may clean the path before the kernel sees it, or not: "link/.." makes a difference.
	for _, candidate := range []string{file, path.Clean(file)} {
		real, err := resolveSymlinks(candidate, fs)
		if err != nil {
			return fmt.Errorf("%q can't be resolved: %w", p, err)
		}
		if !slices.ContainsFunc(folders, func(f string) bool { return inFolder(real, f) }) {
			return fmt.Errorf("%q leads to %q, which is not in %s", p, real,
				strings.Join(folders, ", "))
		}
	}
	return nil
}

// inFolder reports whether a clean absolute path is the folder, or lies in it.
func inFolder(p, folder string) bool {
	return folder == "/" || p == folder || strings.HasPrefix(p, folder+"/")
}

// resolveSymlinks follows symbolic links below the server's root. What does not exist is
// not changed.
func resolveSymlinks(p string, fs Filesystem) (string, error) {
	if fs == nil {
		return path.Clean(p), nil
	}
	full, err := securejoin.SecureJoin(fs.Root(), p)
	if err != nil {
		return "", err
	}
	return "/" + strings.TrimLeft(strings.TrimPrefix(full, strings.TrimSuffix(fs.Root(), "/")),
		"/"), nil
}
