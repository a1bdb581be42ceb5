package runtime

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/container"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

// forgets are lines of mcpbox-init, without which a layer or a limit is missing.
var forgets = map[string]struct{ file, line, instead string }{
	"the capabilities":   {"child.go", "\tc.dropCapabilities()\n", ""},
	"the bounding set":   {"child.go", "\tc.dropBounding()\n", ""},
	"the filter":         {"child.go", "\tif c.filter == nil {", "\tif c.filter != nil {"},
	"the user namespace": {"spawn.go", "unix.CLONE_NEWUSER | ", ""},
	"the uid": {"child.go", "unix.SYS_SETRESUID, c.id, c.id, c.id",
		"unix.SYS_GETPID, 0, 0, 0"},
	"the root": {"child.go", "func (c *child) enterRoot() {",
		"func (c *child) enterRoot() {\n\treturn"},
	"the limits": {"child.go", "for i := range c.rlimits {",
		"for i := range c.rlimits[:1] {"},
	"the mount namespace": {"spawn.go", "unix.CLONE_NEWNS | unix.CLONE_PIDFD",
		"unix.CLONE_PIDFD"},
}

// forgetful builds a PID 1 that forgets something.
func forgetful(t *testing.T, file, line, instead string) *os.File {
	t.Helper()
	dir := t.TempDir()
	path, err := filepath.Abs("../cmd/mcpbox-init/" + file)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(source), line) != 1 {
		t.Fatalf("%s has this line %d times: %s", file, strings.Count(string(source), line), line)
	}
	changed := filepath.Join(dir, file)
	overlay, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "init")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.WriteFile(overlay, list, 0o600), os.WriteFile(changed,
		[]byte(strings.Replace(string(source), line, instead, 1)), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", overlay, "-o", binary, "../cmd/mcpbox-init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("mcpbox-init", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "mcpbox-init")
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(code); err != nil {
		t.Fatal(err)
	}
	return f
}

// leavesNoTrace starts a program that leaves a file, in a process or in a cell.
func leavesNoTrace(t *testing.T, opts options, cells int) error {
	t.Helper()
	p, dir := standard(t), t.TempDir()
	p.Filesystem.Mounts = []policies.Mount{{Source: dir, Target: "/work", Mode: policies.ReadWrite}}
	spec := Spec{Policy: p, BestEffort: true, Cells: cells}
	touch := Command{Args: []string{"touch", "/work/ran"}}
	ran := func() error {
		box, err := start(t.Context(), spec, opts)
		if err != nil {
			return err
		}
		defer box.Close()
		begin := box.Start
		if cells > 0 {
			cell, err := box.NewCell(t.Context())
			if err != nil {
				return err
			}
			begin = cell.Start
		}
		process, err := begin(t.Context(), touch)
		if err != nil {
			return err
		}
		_, err = process.Wait()
		return err
	}
	err := ran()
	if _, missing := os.Stat(filepath.Join(dir, "ran")); (missing == nil) != (err == nil) {
		t.Errorf("the program has run: %v, but the error is %v", missing == nil, err)
	} else if missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		t.Error(missing)
	}
	return err
}

// No layer may depend on the code that applies it. A PID 1 that forgets one is detected, even with
// --best-effort.
func TestAPID1ThatForgetsALayerIsDetected(t *testing.T) {
	testhost.Need(t, "sandbox", "go")
	opts := privateState(t)
	for _, cells := range []int{0, 1} {
		if err := leavesNoTrace(t, opts, cells); err != nil {
			t.Fatalf("nothing is forgotten, %d cells: %v", cells, err)
		}
	}
	for name, f := range forgets {
		t.Run(name, func(t *testing.T) {
			binary := forgetful(t, f.file, f.line, f.instead)
			opts := opts
			opts.container = func(cfg *container.Config) {
				cfg.Init, cfg.Sealed = binary, func() error { return nil }
			}
			for _, cells := range []int{0, 1} {
				err := leavesNoTrace(t, opts, cells)
				t.Logf("%d cells: %v", cells, err)
				if err == nil {
					t.Errorf("%d cells: the program ran without it", cells)
				}
			}
		})
	}
}

// A sandbox that shares a namespace with the host is detected.
func TestASandboxInANamespaceOfTheHostIsDetected(t *testing.T) {
	testhost.Need(t, "sandbox")
	opts := privateState(t)
	for _, kind := range []string{"pid", "ipc", "uts", "net"} {
		t.Run(kind, func(t *testing.T) {
			opts := opts
			opts.container = func(cfg *container.Config) {
				cfg.Namespaces = slices.DeleteFunc(slices.Clone(cfg.Namespaces),
					func(name string) bool { return name == kind })
			}
			err := leavesNoTrace(t, opts, 0)
			t.Log(err)
			if err == nil {
				t.Error("the program ran")
			}
		})
	}
}

// With cgroup v2, the limits are those of a cgroup: a process outside of it has none.
func TestAProcessOutsideOfItsCgroupIsDetected(t *testing.T) {
	testhost.Need(t, "sandbox", "cgroup2")
	opts := privateState(t)
	if startBox(t, standard(t)).isolation.(*contained).group == nil {
		testhost.Lacks(t, "cgroup2", "mcpbox can't make cgroups here (see mcpbox doctor)")
	}
	if err := leavesNoTrace(t, opts, 0); err != nil {
		t.Fatal(err)
	}
	opts.tamper = func(b *initproto.SpawnBody) { b.InCgroup = false }
	for _, cells := range []int{0, 1} {
		if err := leavesNoTrace(t, opts, cells); !errors.Is(err, ErrLayer) {
			t.Errorf("%d cells: %v", cells, err)
		}
	}
}

// Whatever the policy says, no program runs without one of these layers.
func TestWithoutAMandatoryLayerNothingRuns(t *testing.T) {
	all := Layers{}
	for _, layer := range allLayers() {
		all[layer] = Enforced
	}
	if err := all.mandatory(); err != nil {
		t.Fatal(err)
	}
	for _, layer := range []policies.Layer{policies.LayerUserNamespace, policies.LayerPIDNamespace,
		policies.LayerMountNamespace, policies.LayerIPCNamespace, policies.LayerUTSNamespace,
		policies.LayerRootfs, policies.LayerCapabilities, policies.LayerNoNewPrivileges} {
		for _, state := range []string{Absent, Off, Lost, ""} {
			all[layer] = state
			if err := all.mandatory(); !errors.Is(err, ErrLayer) {
				t.Errorf("%s is %q: %v", layer, state, err)
			}
		}
		all[layer] = Enforced
	}
	all[policies.LayerNetworkNamespace] = Absent
	if err := all.mandatory(); !errors.Is(err, ErrLayer) {
		t.Errorf("the network namespace is absent: %v", err)
	}
}

// no_new_privs is what the kernel says of the process, not what was asked for.
func TestNoNewPrivilegesIsReadFromTheProcess(t *testing.T) {
	own, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"cat"}, {"setpriv", "--no-new-privs", "cat"}} {
		want := len(args) > 1 || own == 1
		cmd := exec.Command(args[0], args[1:]...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var byte1 [1]byte
		_, err = in.Write(byte1[:])
		if err == nil {
			_, err = out.Read(byte1[:]) // cat runs
		}
		found, failed := verify.Layers(cmd.Process.Pid, os.Geteuid(), verify.Namespaces{})
		in.Close()
		if err := errors.Join(err, failed, cmd.Wait()); err != nil {
			t.Fatal(err)
		}
		if found[policies.LayerNoNewPrivileges] != want {
			t.Errorf("%v: %v", args, found[policies.LayerNoNewPrivileges])
		}
	}
}
