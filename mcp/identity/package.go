package identity

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// Package returns the npm package that a command line runs, and its version. Both are "" if the
// package is unknown, or if the command line may run other code too.
func Package(p *policies.Policy, command []string) (name, version string) {
	program, sure := programFile(p.Filesystem, command)
	if !sure {
		return "", ""
	}
	return packageOf(command, hostPath(p.Filesystem, program))
}

// packageOf finds an npm package: the one named to npx, or the one whose folder the script is in.
func packageOf(command []string, program string) (name, version string) {
	if PackageRunner(command) != "" {
		return runnerPackage(command)
	}
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		return "", ""
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		var p struct{ Name, Version string }
		if data, err := os.ReadFile(filepath.Join(dir, "package.json")); err == nil &&
			json.Unmarshal(data, &p) == nil && p.Name != "" {
			return p.Name, p.Version
		}
		if dir == filepath.Dir(dir) {
			return "", ""
		}
	}
}

// PackageRunner names the package runner that a command line starts (npx, uvx …), or "".
func PackageRunner(command []string) string { return runner.Of(command) }

// runnerPackage returns the package that the runner's command line names, and its version if the
// command line has one.
func runnerPackage(command []string) (name, version string) {
	if r, ok := runner.Parse(command); ok {
		return r.Name, r.Range
	}
	return "", ""
}
