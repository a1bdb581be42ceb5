package escape

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// report is what mcpbox said about a run.
type report struct {
	output
	Status string            `json:"status"`
	ID     string            `json:"execution_id"`
	Layers map[string]string `json:"layers"`
	Stats  struct {
		Seen, Reported, Dropped int
	} `json:"event_stats"`
	events []event // of the log
}

type event struct {
	Type, Severity, Comm, Action, Reason string
	PID, Count                           int
	Syscall                              *struct {
		Name, Arch  string
		Number      int
		Args, Paths []string
	}
	Limit *struct{ Name, Backend string }
}

// bestEffort is for hosts without a usable cgroup v2, where strict and maximum refuse to start.
var bestEffort = sync.OnceValue(func() bool {
	return exec.Command(mcpbox, "run", "-q", "--policy", "strict", "--", "true").Run() != nil
})

// needCgroup skips what the watchdog, the backend of hosts without a usable cgroup v2, is
// documented not to see.
func needCgroup(t *testing.T) {
	t.Helper()
	if bestEffort() {
		testhost.Lacks(t, "cgroup2", "the watchdog does not see this memory (see SECURITY.md)")
	}
}

func runMcpbox(t *testing.T, c *claim, flags, command []string) *report {
	t.Helper()
	dir := t.TempDir()
	log, result := filepath.Join(dir, "events"), filepath.Join(dir, "result")
	args := append(append([]string{"run"}, flags...), "--events", log, "--result", result)
	if bestEffort() {
		args = append(args, "--best-effort")
	}
	args = append(append(args, "--"), command...)
	r := &report{output: c.execute(t, exec.Command(mcpbox, args...))}
	data, err := os.ReadFile(result)
	if err == nil {
		err = json.Unmarshal(data, r)
	}
	if err != nil {
		t.Fatalf("result: %v\n%s%s", err, r.stdout, r.stderr)
	}
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("event log: %v: %q", err, lines.Text())
		}
		r.events = append(r.events, e)
	}
	return r
}

// reported: one of the system calls or limits has an event. Under maximum the run ends at the first
// refusal, whichever it was.
func (r *report) reported(names []string, preset string) bool {
	for _, e := range r.events {
		if e.Syscall != nil && slices.Contains(names, e.Syscall.Name) || e.Limit != nil &&
			slices.Contains(names, e.Limit.Name) {
			return true
		}
		if preset == "maximum" && e.Action == "kill" {
			return true
		}
	}
	return false
}

func (r *report) names() (out []string) {
	for _, e := range r.events {
		switch {
		case e.Syscall != nil:
			out = append(out, e.Syscall.Name)
		case e.Limit != nil:
			out = append(out, "limit "+e.Limit.Name)
		default:
			out = append(out, e.Reason)
		}
	}
	return out
}

// checkTruth holds for every run: the layers that no sandbox is without are there, every event is
// accounted for, and nothing that the tool controls reaches the log or the terminal unescaped.
func (r *report) checkTruth(t *testing.T) {
	t.Helper()
	for _, layer := range []string{"user_namespace", "pid_namespace", "mount_namespace", "rootfs",
		"capabilities", "no_new_privileges", "seccomp"} {
		if r.Layers[layer] != "enforced" {
			t.Errorf("layer %s: %q", layer, r.Layers[layer])
		}
	}
	if r.Stats.Seen != r.Stats.Reported+r.Stats.Dropped {
		t.Errorf("events: %d seen, %d reported, %d dropped", r.Stats.Seen, r.Stats.Reported,
			r.Stats.Dropped)
	}
	raw := func(c rune) bool { return !unicode.IsPrint(c) }
	for _, e := range r.events {
		text := []string{e.Comm, e.Reason}
		if e.Syscall != nil {
			text = append(append(append(text, e.Syscall.Name), e.Syscall.Args...),
				e.Syscall.Paths...)
		}
		for _, s := range text {
			if strings.IndexFunc(s, raw) >= 0 {
				t.Errorf("raw text of the tool's in the log: %q", s)
			}
		}
	}
	for _, line := range strings.Split(r.stderr, "\n") {
		if strings.IndexFunc(line, raw) >= 0 {
			t.Errorf("raw text of the tool's on the terminal: %q", line)
		}
	}
}
