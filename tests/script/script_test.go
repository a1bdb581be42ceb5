// Package script holds the manual of the command line as executable scripts, with one .txtar file
// for each claim.
package script

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs every script with mcpbox in PATH.
func TestScripts(t *testing.T) {
	bin := built.Mcpbox(t)
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			// the scripts call it mcpbox, whatever the file's name is
			dir := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			if err := os.Symlink(bin, filepath.Join(dir, "mcpbox")); err != nil {
				return err
			}
			// for the store, because HOME is not a folder
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, ".data"))
			env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Condition: func(name string) (bool, error) { return condition(bin, name) },
		Cmds: map[string]func(*testscript.TestScript, bool,
			[]string){"exits": exits},
		RequireExplicitExec: true,
	})
}

// condition evaluates [limits] (mcpbox has cgroup limits here) and [NAME] (the host has a feature
// of testhost). A feature that is promised and missing is an error.
func condition(bin, name string) (bool, error) {
	if name == "limits" {
		return exec.Command(bin, "run", "-q", "--policy", "strict", "--", "true").Run() == nil, nil
	}
	if !slices.Contains(testhost.Features(), name) {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	err := testhost.Check(name)
	if err != nil && testhost.Promised(name) {
		return false, fmt.Errorf("MCPBOX_REQUIRE promises %s, and it is missing: %w", name, err)
	}
	return err == nil, nil
}

// exits implements `exits CODE COMMAND…`: the command must end with exactly that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}
