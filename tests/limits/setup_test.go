package limits

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

const mib = 1 << 20

// victim returns the path of the program tests/victim inside the sandbox, and the flags that mount
// it there.
func victim(t *testing.T) (path string, flags []string) {
	t.Helper()
	path = os.Getenv("VICTIM")
	if path == "" {
		path = filepath.Join(t.TempDir(), "victim")
		cmd := exec.Command("go", "build", "-o", path, "../victim")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build victim: %v\n%s", err, out)
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "/usr/") {
		return path, nil
	}
	dir := t.TempDir() // mcpbox checks each folder of the path, and this user owns TempDir's
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "victim"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	return "/opt/victim/victim", []string{"--mount", dir + ":/opt/victim"}
}

// outcome is a finished run.
type outcome struct {
	runtime.Result
	stdout, stderr string
}

// run runs the command line `mcpbox run …` to its end and reads its result.
func run(t *testing.T, args ...string) outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result.json")
	cmd := exec.Command(built.Mcpbox(t), append([]string{"run", "--result", file}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{stdout: stdout.String(), stderr: stderr.String()}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("no result: %v\n%s", err, o.stderr)
	}
	if err := json.Unmarshal(data, &o.Result); err != nil {
		t.Fatalf("result: %v\n%s", err, data)
	}
	if o.Status == runtime.StatusSetup {
		t.Fatalf("it did not run: %s", o.Error)
	}
	// The first process of a sandbox has its id, a cell's has a number behind it.
	if os.Getenv(inResident) != "" && !strings.Contains(o.ExecutionID, "-") {
		t.Errorf("it did not run in a cell: %s", o.ExecutionID)
	}
	if code := cmd.ProcessState.ExitCode(); code != o.ExitCode {
		t.Errorf("mcpbox exited with %d, its result says %d", code, o.ExitCode)
	}
	return o
}

// runVictim calls run with `[flags] -- victim [arguments]`.
func runVictim(t *testing.T, flags []string, deed ...string) outcome {
	t.Helper()
	path, mount := victim(t)
	return run(t, slices.Concat(mount, flags, []string{"--", path}, deed)...)
}

// backend returns what enforces the memory limit on this host, cgroup2 or watchdog, or why no
// sandbox starts.
var backend = sync.OnceValues(func() (string, string) {
	path, err := built.Path()
	if err != nil {
		return "", err.Error()
	}
	dir, err := os.MkdirTemp("", "mcpbox-limits")
	if err != nil {
		return "", err.Error()
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "result.json")
	out, _ := exec.Command(path, "run", "-q", "--result", file, "--", "true").CombinedOutput()
	var r runtime.Result
	data, _ := os.ReadFile(file)
	if err := json.Unmarshal(data, &r); err != nil || r.Status != runtime.StatusOK {
		return "", "no sandbox: " + string(out)
	}
	return r.Limits["memory"].Backend, ""
})

func requireSandbox(t *testing.T) string {
	t.Helper()
	testhost.Need(t, "sandbox")
	b, problem := backend()
	switch {
	case problem != "":
		t.Fatal(problem)
	case testhost.Promised("cgroup2") && b != "cgroup2":
		t.Fatalf("memory is limited by %s here, and cgroup2 was promised", b)
	}
	return b
}

// requireCgroup2 skips the test if the kernel does not enforce the limits itself.
func requireCgroup2(t *testing.T) {
	t.Helper()
	if b := requireSandbox(t); b != "cgroup2" {
		testhost.Lacks(t, "cgroup2", "the %s holds the limits on this host (see mcpbox doctor)", b)
	}
}

// events returns the events about a limit. There must be at least one.
func (o outcome) events(t *testing.T, limit string) []monitor.Event {
	t.Helper()
	var out []monitor.Event
	for _, e := range o.Events {
		if e.Limit != nil && e.Limit.Name == limit {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no event about the limit %s: %+v\n%s", limit, o.Events, o.stderr)
	}
	return out
}
