package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pinnedRunc builds the version of runc that go.mod pins, whose libcontainer mcpbox uses. Debian's
// is years older.
func (b *bench) pinnedRunc() (program, version string, err error) {
	const module = "github.com/opencontainers/runc"
	list := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", module)
	out, err := list.Output()
	if err != nil {
		return "runc", "of go.mod", fmt.Errorf("go list: %w", err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	program = filepath.Join(b.dir, "runc")
	if _, err := os.Stat(program); err == nil {
		return program, version, nil
	}
	build := exec.Command("go", "build", "-trimpath", "-tags", "seccomp", "-ldflags", "-s -w", "-o",
		program, ".")
	build.Dir = dir
	// A module of its own, with its own go.sum: what it needs beyond ours comes from the module
	// proxy.
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
	if out, err := build.CombinedOutput(); err != nil {
		return program, version, fmt.Errorf("go build %s: %w: %s", module, err, out)
	}
	return program, version, nil
}
