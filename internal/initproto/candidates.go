package initproto

import (
	"path/filepath"
	"strings"
)

// Candidates returns the paths that execvp(3) would try with the tool's PATH.
func Candidates(command string, env []string) []string {
	if strings.Contains(command, "/") {
		return []string{command}
	}
	path := "/usr/local/bin:/usr/bin:/bin"
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	var out []string
	for _, dir := range filepath.SplitList(path) {
		out = append(out, filepath.Join(dir, command))
	}
	return out
}
