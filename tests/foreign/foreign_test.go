package foreign

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// clone copies what git tracks, and nothing that make has built.
func clone(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
		"--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		if !strings.HasSuffix(name, ".go") && !strings.Contains(name, "/embedded/") &&
			!strings.HasPrefix(name, "go.") &&
			!strings.HasPrefix(name, "policies/") && !strings.HasPrefix(name, "seccomp/") &&
			!strings.HasSuffix(name, ".s") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tool runs the go command as a user without make does, but with the flags of the build cache.
func tool(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAProgramOfAnotherModuleStartsSandboxes(t *testing.T) {
	testhost.Need(t, "sandbox", "gcc", "git")
	ours, theirs := clone(t), t.TempDir()
	tool(t, ours, "vet", "./policies/...", "./runtime/...")

	mod, err := os.ReadFile(filepath.Join(ours, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod = regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(mod,
		[]byte("module example.test/foreign\n\n"+
			"require github.com/mcpbox/mcpbox v0.0.0\n\nreplace github.com/mcpbox/mcpbox => "+ours))
	sum, err := os.ReadFile(filepath.Join(ours, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join("testdata", "main.go.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"go.mod": mod, "go.sum": sum, "main.go": program} {
		if err := os.WriteFile(filepath.Join(theirs, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tool(t, theirs, "build", "-mod=mod", "-o", "foreign", ".")
	run := func() (string, error) {
		cmd := exec.Command(filepath.Join(theirs, "foreign"))
		cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	// PID 1 is neither embedded nor next to the program: one line says so, and one says what to
	// type.
	if out, err := run(); err == nil || !strings.Contains(out, "mcpbox-init, the first process") ||
		!strings.Contains(out, "hint: build it next to") {
		t.Errorf("without mcpbox-init: %v\n%s", err, out)
	}

	pid1 := filepath.Join(theirs, "mcpbox-init")
	tool(t, theirs, "build", "-mod=mod", "-o", pid1, "github.com/mcpbox/mcpbox/cmd/mcpbox-init")
	if out, err := run(); err != nil ||
		out != "\"one\\n1000\\n\" ok enforced\n\"two\\n1000\\n\" ok enforced\n" {
		t.Errorf("%v\n%s", err, out)
	}

	// A PID 1 of another version is refused, and the error says why.
	data, err := os.ReadFile(filepath.Join(ours, "internal", "initproto", "messages.go"))
	if err != nil {
		t.Fatal(err)
	}
	other := regexp.MustCompile(`const Version = ".*"`).ReplaceAll(data,
		[]byte(`const Version = "other"`))
	if bytes.Equal(other, data) {
		t.Fatal("no version to change")
	}
	if err := os.WriteFile(filepath.Join(ours, "internal", "initproto", "messages.go"), other,
		0o644); err != nil {
		t.Fatal(err)
	}
	tool(t, theirs, "build", "-mod=mod", "-o", pid1, "github.com/mcpbox/mcpbox/cmd/mcpbox-init")
	if out, err := run(); err == nil || !strings.Contains(out,
		"mcpbox-init has another version") || !strings.Contains(out, "hint: run `make build`") {
		t.Errorf("with another version: %v\n%s", err, out)
	}
}
