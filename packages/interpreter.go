package packages

import (
	"cmp"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// hostProgram is how a sandbox runs a program of the host's, and what has to be mounted for it.
func hostProgram(name string) (program string, mounts []policies.Mount, err error) {
	found, err := exec.LookPath(name)
	if err != nil {
		return "", nil, hint.Errorf("install Node.js (apt-get install nodejs npm)",
			"%s is not installed on this host", name)
	}
	real, err := filepath.EvalSymlinks(found)
	if err != nil {
		return "", nil, err
	}
	mounts, err = mountsFor(real, found)
	return real, mounts, err
}

// mountsFor mounts the installation that a program belongs to, if it is not below /usr.
func mountsFor(real, found string) ([]policies.Mount, error) {
	if strings.HasPrefix(real, "/usr/") {
		return nil, nil
	}
	// …/bin/node, …/lib/node_modules/npm/bin/npm-cli.js
	prefix, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(found)))
	if err != nil || prefix == "/" {
		return nil, fmt.Errorf("%s is in no folder of its own", found)
	}
	return []policies.Mount{{Source: prefix, Target: prefix, Mode: policies.ReadOnly}}, nil
}

// interpreter is a Python of the host's.
type interpreter struct {
	program string // no link
	version string // 3.11
	mounts  []policies.Mount
}

// findPython finds the first Python of PATH that is a program, not a script that chooses one, and
// that has pip. version is 3.12, or "" for any.
func findPython(version string) (*interpreter, error) {
	found, name := "", "python"+cmp.Or(version, "3")
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil || !isProgram(real) {
			continue
		}
		found = cmp.Or(found, real)
		p, err := pythonAt(real)
		if err != nil {
			continue
		}
		lib := filepath.Join(filepath.Dir(filepath.Dir(real)), "lib")
		for _, pattern := range []string{"python3/dist-packages/pip",
			"python" + p.version + "/*-packages/pip"} {
			if pip, _ := filepath.Glob(filepath.Join(lib, pattern)); len(pip) > 0 {
				return p, nil
			}
		}
	}
	const remedy = "apt-get install python3 python3-pip"
	if found == "" && version != "" {
		return nil, hint.Errorf("install it, or ask for another version: mcpbox installs no Python",
			"%s is not in PATH", name)
	}
	if found == "" {
		return nil, hint.Errorf(remedy, "python3 is not installed on this host")
	}
	return nil, hint.Errorf(remedy, "%s has no pip", found)
}

// pythonAt is the interpreter in a file that is no link.
func pythonAt(real string) (*interpreter, error) {
	m := regexp.MustCompile(`^python(3\.\d+)$`).FindStringSubmatch(filepath.Base(real))
	if m == nil || !isProgram(real) {
		return nil, fmt.Errorf("%s is no python3.N", real)
	}
	mounts, err := mountsFor(real, real)
	return &interpreter{real, m[1], mounts}, err
}

func isProgram(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	_, err = f.ReadAt(magic, 0)
	return err == nil && string(magic) == elf.ELFMAG
}
