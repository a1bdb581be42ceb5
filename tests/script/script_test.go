// Package script holds the manual of the command line as scripts that are run: one .txtar file a claim.
package script

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hostprobe"
	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs every script with mcpbox in PATH.
func TestScripts(t *testing.T) {
	bin := built.Mcpbox(t)
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			dir := filepath.Join(env.WorkDir, ".bin") // whatever the file is called, the manual says mcpbox
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			if err := os.Symlink(bin, filepath.Join(dir, "mcpbox")); err != nil {
				return err
			}
			env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Condition:           func(name string) (bool, error) { return condition(bin, name) },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireExplicitExec: true,
	})
}

// condition: [root], [sandbox] (this host allows one), [cgroup2] (its limits can be had).
func condition(bin, name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "sandbox":
		return hostprobe.Forbidden() == nil, nil
	case "cgroup2":
		return exec.Command(bin, "run", "-q", "--policy", "strict", "--", "true").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// exits CODE COMMAND…: the command ends with exactly that code.
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
