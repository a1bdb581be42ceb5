package packages

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/provenance"
	"github.com/mcpbox/mcpbox/packages/pypi"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// Target is where a program sees its package.
const Target = "/opt/package"

// Package is one installed version.
type Package struct {
	Folder string `json:"-"`

	Ecosystem   runner.Ecosystem  `json:"ecosystem"`
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Integrity   string            `json:"integrity"` // of the archive, as the registry says it
	Lock        string            `json:"lock"`      // SHA-256 of what is locked, hexadecimal
	Tree        string            `json:"tree"`      // hash of all files: Hash
	Packages    int               `json:"packages"`  // in the tree, itself included
	Bytes       int64             `json:"bytes"`
	Registry    string            `json:"registry"`
	Python      string            `json:"python,omitempty"` // the interpreter, for PyPI
	Installed   time.Time         `json:"installed"`
	Scripts     []string          `json:"install_scripts,omitempty"` // packages that have some
	ScriptsRan  bool              `json:"install_scripts_ran,omitempty"`
	Published   time.Time         `json:"published,omitzero"` // as the registry says it
	Maintainers []string          `json:"maintainers,omitempty"`
	Provenance  *provenance.Built `json:"provenance,omitempty"` // verified; nil: not
	Withdrawn   string            `json:"withdrawn,omitempty"`  // by the registry, since: why
	Findings    []audit.Finding   `json:"findings,omitempty"`   // when it was installed
	// Tools that a trial start listed, with the SHA-256 of their definitions, hexadecimal.
	Tools map[string]string `json:"tools,omitempty"`
	Tried bool              `json:"tried,omitempty"` // a trial start was made

	versions map[string]string // of the package in the registry now; why each was withdrawn
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

// Members are all packages of the tree.
func (p *Package) Members() (out []Member, err error) {
	data, err := os.ReadFile(filepath.Join(p.Folder, "lock.json"))
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return nil, hint.Errorf("mcpbox packages remove "+p.String()+", then install it again",
			"package store: %w", err)
	}
	return out, nil
}

// Command is how to run what was asked for: with the mounts in the policy. The interpreter is taken
// from the host; if it is not below /usr, its folder is mounted too.
func (p *Package) Command(r *runner.Request) (command []string, mounts []policies.Mount,
	err error) {
	mounts = []policies.Mount{{Source: p.TreeDir(), Target: Target, Mode: policies.ReadOnly}}
	var more []policies.Mount
	if p.Ecosystem == runner.PyPI {
		command, more, err = p.python(r)
	} else {
		command, more, err = p.node(r)
	}
	return append(command, r.Args...), append(mounts, more...), err
}

func (p *Package) node(r *runner.Request) ([]string, []policies.Mount, error) {
	file, err := npm.Program(p.TreeDir(), p.Name, r.Program)
	if err != nil {
		return nil, nil, err
	}
	program := path.Join(Target, file)
	if !isScriptOf(filepath.Join(p.TreeDir(), file), "node") {
		return []string{program}, nil, nil
	}
	node, more, err := hostProgram("node")
	return []string{node, program}, more, err
}

func (p *Package) python(r *runner.Request) ([]string, []policies.Mount, error) {
	python, err := pythonAt(p.Python)
	if err != nil {
		return nil, nil, hint.Errorf("mcpbox install --update pypi:"+r.Spec(),
			"%s was installed for a Python that this host has no more: %w", p, err)
	}
	file, err := pypi.Program(p.TreeDir(), python.version, p.Name, r.Program)
	if err != nil {
		return nil, nil, err
	}
	program := path.Join(Target, file)
	if !isScriptOf(filepath.Join(p.TreeDir(), file), filepath.Base(p.Python)) {
		return []string{program}, python.mounts, nil
	}
	return []string{path.Join(Target, "bin", "python3"), program}, python.mounts, nil
}

// isScriptOf reports a file that the package meant for an interpreter: by its first line, or by its
// name.
func isScriptOf(file, interpreter string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	if rest, ok := strings.CutPrefix(line, "#!"); ok {
		words := strings.Fields(rest)
		return len(words) > 0 && path.Base(words[len(words)-1]) == interpreter
	}
	switch path.Ext(file) {
	case ".js", ".mjs", ".cjs":
		return interpreter == "node"
	}
	return false
}

// Use keeps the package from being removed until the returned function is called, or the process
// ends.
func (p *Package) Use() (done func(), err error) {
	f, err := os.Open(p.Folder)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is being removed: %w", p, err)
	}
	return func() { f.Close() }, nil
}
