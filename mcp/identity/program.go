package identity

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// isInterpreter reports whether a program runs the script in its first argument.
func isInterpreter(program string) bool {
	base := path.Base(program)
	for _, name := range []string{"node", "nodejs", "bun", "deno", "python", "ruby", "perl", "sh",
		"bash", "php"} {
		if strings.TrimRight(base, "0123456789.") == name {
			return true
		}
	}
	return false
}

// programFile returns the file that a command line runs: the program, or the script of an
// interpreter. sure is false if an option before it may run other code (node --require, python -c,
// npx --package …).
func programFile(fs policies.Filesystem, command []string) (file string, sure bool) {
	sure = true
	if PackageRunner(command) != "" {
		_, sure = runner.Parse(command)
	} else if isInterpreter(command[0]) {
		for i, arg := range command[1:] {
			switch info, err := os.Stat(hostPath(fs, arg)); {
			case isHarmlessOption(command[0], arg, i):
				continue
			case strings.HasPrefix(arg, "-"):
				sure = false
				continue
			case err == nil && info.Mode().IsRegular():
				return arg, sure
			}
			sure = false // a subcommand, or the value of an option
		}
	}
	if !strings.Contains(command[0], "/") {
		if found, err := exec.LookPath(command[0]); err == nil {
			return found, sure
		}
	}
	return command[0], sure
}

// isHarmlessOption reports whether an option before the script runs no other code and takes no
// value.
func isHarmlessOption(program, word string, at int) bool {
	switch name := strings.TrimRight(path.Base(program), "0123456789."); {
	case name == "python":
		return slices.Contains([]string{"-u", "-I", "-s", "-E", "-B"}, word)
	case name == "node" || name == "nodejs":
		return word == "--no-warnings" || word == "--enable-source-maps"
	case name == "deno":
		return at == 0 && word == "run" || word == "-A"
	}
	return false
}

// hostPath returns the path on the host for a path inside the sandbox.
func hostPath(fs policies.Filesystem, inside string) string {
	best, at := "", inside
	if !path.IsAbs(at) {
		at = path.Join("/work", at)
	}
	for _, m := range fs.Mounts {
		if (at == m.Target || strings.HasPrefix(at, m.Target+"/")) && len(m.Target) > len(best) {
			best = m.Target
			inside = m.Source + strings.TrimPrefix(at, m.Target)
		}
	}
	if best == "" && fs.Rootfs != "" {
		return filepath.Join(fs.Rootfs, at)
	}
	return inside
}
