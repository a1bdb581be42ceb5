package access

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
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

// checkPath resolves a path as the server would, symbolic links and all, and looks where it ends.
// The server may find another file if a link changes in between; the sandbox's own walls hold all
// the same. Without a file system the path is taken as it is written.
func checkPath(p string, folders []string, fs Filesystem) error {
	file, err := filePath(p)
	if err != nil {
		return err
	}
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

// filePath is the file that a path or a file: URI names. A text that servers may read in different
// ways is an error.
func filePath(p string) (string, error) {
	if why := unclearPath(p); why != "" {
		return "", fmt.Errorf("%q %s: servers read that in different ways", p, why)
	}
	scheme, rest, ok := strings.Cut(p, ":")
	if !ok || strings.ContainsAny(scheme, "/ ") ||
		!strings.EqualFold(scheme, "file") && !strings.HasPrefix(rest, "/") {
		if escapes().MatchString(p) {
			return "", fmt.Errorf("%q has an escape: servers read that in different ways", p)
		}
		return p, nil
	}
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "" ||
		strings.ContainsAny(p, `?#\`) {
		return "", fmt.Errorf("%q is not the URI of a local file", p)
	}
	if why := unclearPath(u.Path); why != "" || escapes().MatchString(u.Path) {
		why = cmp.Or(why, "has an escape in an escape")
		return "", fmt.Errorf("%q %s: servers read that in different ways", p, why)
	}
	return u.Path, nil
}

// variable is a variable as Windows writes it. Some path libraries replace it everywhere.
var variable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`%[A-Za-z_][A-Za-z0-9_]*%`)
})

// unclearPath says what in a path some servers replace or leave out; "": nothing.
func unclearPath(p string) string {
	switch {
	case strings.ContainsRune(p, 0):
		return "has a zero byte"
	case strings.TrimFunc(p, wire.IsBlank) != p:
		return "begins or ends with a blank or an invisible character"
	case strings.HasPrefix(p, "~"):
		return "begins with ~"
	case strings.ContainsRune(p, '$') || variable().MatchString(p):
		return "has a variable"
	}
	return ""
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
