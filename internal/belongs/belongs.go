// Package belongs finds the folder that a program or script belongs to: a package with its
// dependencies, a virtual environment, a project, an installation. It reads the host's files, and
// searches upwards at most to the home folder.
package belongs

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Kind is the type of a folder.
type Kind string

const (
	None    Kind = ""
	Modules Kind = "node_modules"
	Venv    Kind = "pyvenv.cfg"
	Package Kind = "package.json"
	Project Kind = "project"
	Prefix  Kind = "prefix" // bin, lib and the like
)

// Root returns the folder that a program at path needs as a whole. For the kind None it is "".
func Root(path, home string) (dir string, kind Kind) {
	if i := strings.Index(path, "/node_modules/"); i >= 0 {
		return path[:i] + "/node_modules", Modules
	}
	if dir = Above(path, home, string(Venv)); dir != "" {
		return dir, Venv
	}
	if dir = Above(path, home, string(Package)); dir != "" && forNode(path) {
		return dir, Package
	}
	for _, sign := range signs(path) {
		if dir = Above(path, home, sign); dir != "" {
			return dir, Project
		}
	}
	bin := filepath.Dir(path)
	up := filepath.Dir(bin)
	if base := filepath.Base(bin); (base == "bin" || base == "sbin") && isDir(up+"/lib") &&
		up != home && up != "/" && up != "/usr" && !dotFolder(up, home) {
		return up, Prefix
	}
	return "", None
}

// Above returns the nearest folder above path that has an entry called name. It never returns home,
// / or a folder above home.
func Above(path, home, name string) string {
	up := filepath.Dir
	for dir := up(path); dir != "/" && dir != home && dir != "."; dir = up(dir) {
		if dotFolder(dir, home) {
			return ""
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return dir
		}
	}
	return ""
}

// dotFolder reports whether dir is a folder of home, such as .config or .local/share, that many
// programs share.
func dotFolder(dir, home string) bool {
	rest, ok := strings.CutPrefix(dir, home+"/.")
	return ok && strings.Count(rest, "/") < 2
}

// forNode reports whether a script's name is possible for Node.
func forNode(path string) bool {
	switch filepath.Ext(path) {
	case ".js", ".mjs", ".cjs", ".ts", ".mts":
		return true
	case "":
		return isDir(path) || strings.Contains(Shebang(path), "node")
	}
	return false
}

// signs returns the files that mark the top of a script's project.
func signs(path string) []string {
	switch filepath.Ext(path) {
	case ".py":
		return []string{"pyproject.toml", "setup.py", "requirements.txt"}
	case ".rb":
		return []string{"Gemfile"}
	case ".php":
		return []string{"composer.json"}
	case ".ts", ".js":
		return []string{"deno.json"}
	}
	return nil
}

// Shebang returns a script's first line, or "".
func Shebang(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	const maxLine = 256 // the kernel reads no more: BINPRM_BUF_SIZE
	line, err := bufio.NewReader(io.LimitReader(file, maxLine)).ReadBytes('\n')
	if err != nil || !bytes.HasPrefix(line, []byte("#!")) {
		return ""
	}
	return string(bytes.TrimSpace(line))
}

func isDir(path string) bool { st, err := os.Stat(path); return err == nil && st.IsDir() }
