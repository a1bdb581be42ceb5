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
	Root() string // the path on the host of the server's root folder
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

// checkPath checks where a path leads, for every way in which a server may read it.
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

// checkFile resolves a path as the server would, including symbolic links, and checks where it
// ends. If a link changes afterwards, the server may open another file; the sandbox still contains
// it. Without a file system the path is used as written.
func checkFile(file string, folders []string, fs Filesystem) error {
	p := file
	if !path.IsAbs(file) {
		if fs == nil { // the server's folder is unknown
			if clean := path.Clean(file); clean == ".." || strings.HasPrefix(clean, "../") {
				return fmt.Errorf("%q leads out of the server's folder", p)
			}
			return nil
		}
		file = fs.Dir() + "/" + file
	}
	// Some servers clean a path before they open it. For "link/.." that leads elsewhere.
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

// resolveSymlinks follows symbolic links below the server's root. Parts of the path that do not
// exist stay as they are.
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
