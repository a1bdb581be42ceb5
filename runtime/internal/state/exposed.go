package state

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
)

// Folders returns the state folders that this user's mcpbox may have, whatever its environment was.
// They need not exist.
func Folders(instead string) []string {
	uid := strconv.Itoa(os.Geteuid())
	out := []string{"/tmp/mcpbox-" + uid, "/run/user/" + uid + "/mcpbox"}
	if uid == "0" {
		out = append(out, cmp.Or(instead, "/run/mcpbox"))
	} else if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		out = append(out, filepath.Join(run, "mcpbox"))
	}
	return out
}

// Exposed returns the paths in a sandbox at which a mount would show the folders. In them are the
// sockets and root folders of other sandboxes: with the user's id, a tool could use them to leave
// its own. A mount of such a folder itself, or of something in it, is an error.
func Exposed(source, target string, folders []string) (paths []string, err error) {
	mounted, err := os.Stat(source)
	if err != nil {
		return nil, nil // the start reports it
	}
	for _, folder := range folders {
		if real, err := filepath.EvalSymlinks(folder); err == nil {
			folder = real
		}
		rest, inside := below(folder, mounted)
		if inside && rest != "" {
			paths = append(paths, filepath.Join(target, rest))
			continue
		}
		real, err := filepath.EvalSymlinks(source)
		if err != nil {
			return nil, nil
		}
		own, err := os.Stat(folder)
		if err != nil {
			continue
		}
		if _, in := below(real, own); inside || in {
			return nil, hint.Errorf("bind another folder", "%s can't be bound: it belongs to "+
				"mcpbox's running sandboxes", source)
		}
	}
	return paths, nil
}

// below reports whether path is top, or below it, and what comes after it. Files are compared, not
// names: a folder may be mounted in two places.
func below(path string, top os.FileInfo) (rest string, ok bool) {
	for dir := path; ; dir = filepath.Dir(dir) {
		if st, err := os.Stat(dir); err == nil && os.SameFile(st, top) {
			return strings.TrimPrefix(path[len(dir):], "/"), true
		}
		if dir == "/" || dir == "." {
			return "", false
		}
	}
}

// Kept are mcpbox's folders of data and configuration: installed packages, decisions, sources of
// secrets. A tool that may write there decides what other tools run.
func Kept() (out []string) {
	if data, err := datadir.Path("packages"); err == nil {
		out = append(out, filepath.Dir(data))
	}
	if config, err := os.UserConfigDir(); err == nil {
		out = append(out, filepath.Join(config, "mcpbox"))
	}
	return out
}

// Shown returns the paths in a sandbox at which a mount of a folder around the folders would show
// them. A mount of something in them is the user's wish: a package, the home of a server.
func Shown(source, target string, folders []string) (paths []string) {
	mounted, err := os.Stat(source)
	if err != nil {
		return nil // the start reports it
	}
	for _, folder := range folders {
		real, err := filepath.EvalSymlinks(folder)
		if err != nil {
			continue // it is not there
		}
		if rest, inside := below(real, mounted); inside && rest != "" {
			paths = append(paths, filepath.Join(target, rest))
		}
	}
	return paths
}
