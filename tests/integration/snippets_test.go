package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

const python = "/usr/bin/python3"

// outcome is what a run of `mcpbox run` left: its streams, exit code, result and events.
type outcome struct {
	stdout, stderr string
	exit           int
	result         struct {
		Status string          `json:"status"`
		Exit   int             `json:"exit_code"`
		Events []monitor.Event `json:"security_events"`
	}
	events []monitor.Event
}

// strictRefusal is asked once.
var strictRefusal = sync.OnceValues(func() (string, error) {
	path, err := built.Path()
	if err != nil {
		return "", err
	}
	out, err := exec.Command(path, "run", "--policy", "strict", "--",
		"/usr/bin/true").CombinedOutput()
	return string(out), err
})

// bestEffort is --best-effort on a host without cgroup v2, where strict must
// refuse to start otherwise; the limits are the watchdog's then.
func bestEffort(t *testing.T) []string {
	t.Helper()
	said, err := strictRefusal()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == 125 && strings.Contains(said,
		"required layer is missing: cgroup_limits"):
		t.Log("with --best-effort, for strict refuses this host: " + said)
		return []string{"--best-effort"}
	default:
		t.Fatalf("strict does not run /usr/bin/true: %v\n%s", err, said)
		return nil
	}
}

// strict runs a Python snippet under the strict preset.
func strict(t *testing.T, code string, flags ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	result, events := filepath.Join(dir, "result.json"), filepath.Join(dir, "events.jsonl")
	args := append([]string{"run", "--policy", "strict", "--result", result, "--events", events},
		flags...)
	args = append(args, bestEffort(t)...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, built.Mcpbox(t), append(args, "--", python, "-c", code)...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	out := outcome{stdout: stdout.String(), stderr: stderr.String(),
		exit: cmd.ProcessState.ExitCode()}
	if data, err := os.ReadFile(result); err != nil {
		t.Fatalf("no result: %v\n%s", err, out.stderr)
	} else if err := json.Unmarshal(data, &out.result); err != nil {
		t.Fatalf("result is not JSON: %v\n%s", err, data)
	}
	file, err := os.Open(events)
	if err != nil {
		t.Fatalf("no event file: %v", err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e monitor.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("event is not JSON: %v: %s", err, lines.Text())
		}
		out.events = append(out.events, e)
	}
	if out.result.Exit != out.exit {
		t.Errorf("the result says exit code %d, the shell saw %d", out.result.Exit, out.exit)
	}
	return out
}

// has reports whether one event passes, in the file and in the result alike.
func (o outcome) has(t *testing.T, what string, match func(monitor.Event) bool) {
	t.Helper()
	for where, list := range map[string][]monitor.Event{"--events": o.events,
		"--result": o.result.Events} {
		found := false
		for _, e := range list {
			found = found || match(e)
		}
		if !found {
			t.Errorf("%s has no event of %s: %+v\nstderr: %s", where, what, list, o.stderr)
		}
	}
}

func needPython(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(python); err != nil {
		testhost.Lacks(t, "python3", "the snippets run %s: %v (apt-get install "+
			"python3)", python, err)
	}
}

func TestSnippetHelloWorldSucceeds(t *testing.T) {
	needPython(t)
	o := strict(t, `print("Hello, World!")`)
	if o.exit != 0 || o.result.Status != "ok" || o.stdout != "Hello, World!\n" {
		t.Errorf("exit %d, status %q, stdout %q, stderr "+
			"%q", o.exit, o.result.Status, o.stdout, o.stderr)
	}
	if len(o.events) != 0 {
		t.Errorf("an honest snippet made events: %+v", o.events)
	}
}

func TestSnippetThatListsFilesSeesOnlyTheSandbox(t *testing.T) {
	needPython(t)
	if o := strict(t, `import os; os.system('ls')`); strings.Contains(o.stdout, "result.json") {
		t.Errorf("the snippet lists the caller's folder: %q", o.stdout)
	}
	o := strict(t,
		`import os; raise SystemExit(os.waitstatus_to_exitcode(os.system("ls /; ls -a /home /root; echo done")))`)
	names := strings.Fields(o.stdout)
	for _, name := range names {
		for _, host := range []string{"boot", "lost+found", ".bashrc", ".profile"} {
			if name == host {
				t.Errorf("ls inside lists the host's %q: %q", host, o.stdout)
			}
		}
	}
	if strings.Contains(o.stdout, "done") {
		return // ran, contained
	}
	o.has(t, "the command that did not run", func(e monitor.Event) bool {
		return e.Type == monitor.SyscallBlocked && e.Syscall != nil
	})
}

func TestSnippetThatWantsAGigabyteHitsTheMemoryLimit(t *testing.T) {
	needPython(t)
	o := strict(t, `x = "A" * (1024 ** 3); print(len(x))`)
	if o.exit == 0 || strings.Contains(o.stdout, "1073741824") {
		t.Errorf("exit %d, stdout %q: the gigabyte was granted", o.exit, o.stdout)
	}
	if o.result.Status != "memory_limit" {
		t.Errorf("status %q, want memory_limit", o.result.Status)
	}
	o.has(t, "the memory limit", func(e monitor.Event) bool {
		return e.Type == monitor.ResourceLimitExceeded && e.Limit != nil &&
			e.Limit.Name == "memory" &&
			e.Limit.Value == 256<<20
	})
}

func TestSnippetThatNeverEndsTimesOut(t *testing.T) {
	needPython(t)
	o := strict(t, `while True: pass`, "--timeout", "2s")
	if o.exit != 124 || o.result.Status != "timeout" {
		t.Errorf("exit %d, status %q, want 124 and timeout: %s", o.exit, o.result.Status, o.stderr)
	}
	o.has(t, "the timeout", func(e monitor.Event) bool { return e.Type == monitor.TimeoutExceeded })
}

func TestSnippetThatOpensASocketIsRefused(t *testing.T) {
	needPython(t)
	const code = `import socket; socket.socket(); print("open")`
	if out, err := exec.Command(python, "-c", code).Output(); err != nil ||
		string(out) != "open\n" {
		t.Fatalf("bare, the snippet opens no socket (%v): this test proves nothing", err)
	}
	o := strict(t, code)
	if o.exit != 1 || o.stdout != "" || !strings.Contains(o.stderr, "PermissionError") {
		t.Errorf("exit %d, stdout %q, stderr %q, want a "+
			"PermissionError", o.exit, o.stdout, o.stderr)
	}
	if o.result.Status != "failed" {
		t.Errorf("status %q, want failed", o.result.Status)
	}
	o.has(t, "the socket", func(e monitor.Event) bool {
		return (e.Type == monitor.SyscallBlocked || e.Type == monitor.PermissionDenied) &&
			e.Syscall != nil && e.Syscall.Name == "socket" && len(e.Syscall.Args) > 0 &&
			e.Syscall.Args[0] == "AF_INET"
	})
}
