package packages

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// Target is where a program sees its package.
const Target = "/opt/package"

// Package is one installed version.
type Package struct {
	Folder string `json:"-"`

	Ecosystem runner.Ecosystem `json:"ecosystem"`
	Name      string           `json:"name"`
	Version   string           `json:"version"`
	Integrity string           `json:"integrity"` // of the archive, as the registry says it
	Lock      string           `json:"lock"`      // SHA-256 of package-lock.json, hexadecimal
	Tree      string           `json:"tree"`      // hash of all files: Hash
	Packages  int              `json:"packages"`  // in the tree, itself included
	Bytes     int64            `json:"bytes"`
	Registry  string           `json:"registry"`
	Installed time.Time        `json:"installed"`
	Scripts   []string         `json:"scripts_not_run,omitempty"` // packages with install scripts
	Published time.Time        `json:"published,omitzero"`        // as the registry says it
	Findings  []audit.Finding  `json:"findings,omitempty"`        // of the audit, but for its age
}

// Audit is what is to be said of the package now.
func (p *Package) Audit(now time.Time) []audit.Finding {
	return append(audit.Age(p.Published, now), p.Findings...)
}

func (p *Package) String() string { return p.Name + "@" + p.Version }

func readPackage(folder string) (*Package, error) {
	data, err := os.ReadFile(filepath.Join(folder, "mcpbox.json"))
	if err != nil {
		return nil, err
	}
	p := &Package{Folder: folder}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("package store: %s: %w", folder, err)
	}
	return p, nil
}

// TreeDir is the folder of its files on the host.
func (p *Package) TreeDir() string { return filepath.Join(p.Folder, "tree") }

// Command is how to run what was asked for: with the mounts in the policy. node is taken from the
// host; if it is not below /usr, its folder is mounted too.
func (p *Package) Command(r *runner.Request) (command []string, mounts []policies.Mount, err error) {
	file, err := npm.Program(p.TreeDir(), p.Name, r.Program)
	if err != nil {
		return nil, nil, err
	}
	mounts = []policies.Mount{{Source: p.TreeDir(), Target: Target, Mode: policies.ReadOnly}}
	program := path.Join(Target, file)
	if !isNodeScript(filepath.Join(p.TreeDir(), file)) {
		return append([]string{program}, r.Args...), mounts, nil
	}
	node, more, err := hostProgram("node")
	if err != nil {
		return nil, nil, err
	}
	return append([]string{node, program}, r.Args...), append(mounts, more...), nil
}

// isNodeScript reports a file that the package meant for node: by its first line or its name.
func isNodeScript(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	if rest, ok := strings.CutPrefix(line, "#!"); ok {
		words := strings.Fields(rest)
		return len(words) > 0 && path.Base(words[len(words)-1]) == "node"
	}
	switch path.Ext(file) {
	case ".js", ".mjs", ".cjs":
		return true
	}
	return false
}

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
	if strings.HasPrefix(real, "/usr/") {
		return real, nil, nil
	}
	// …/bin/node, …/lib/node_modules/npm/bin/npm-cli.js
	prefix := filepath.Dir(filepath.Dir(found))
	if prefix, err = filepath.EvalSymlinks(prefix); err != nil || prefix == "/" {
		return "", nil, fmt.Errorf("%s is in no folder of its own: %s", name, found)
	}
	return real, []policies.Mount{{Source: prefix, Target: prefix, Mode: policies.ReadOnly}}, nil
}

// Use keeps the package from being removed until the returned function is called, or the process
// ends.
func (p *Package) Use() (done func(), err error) {
	f, err := os.Open(filepath.Join(p.Folder, "mcpbox.json"))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is being removed: %w", p, err)
	}
	return func() { f.Close() }, nil
}
