package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
)

// footprint counts things that a sandbox could leave behind.
type footprint struct {
	mounts, children, state string
	fds                     int
}

// left lists new things since the footprint was taken. It waits for descriptors that goroutines of
// an ended run still close. Fewer than before is not a leak.
func (f footprint) left(t *testing.T) (out string) {
	t.Helper()
	const pause = 10 * time.Millisecond
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(pause) {
		g := takeFootprint(t)
		out = ""
		for name, pair := range map[string][2]string{"mounts": {f.mounts, g.mounts},
			"children": {f.children, g.children}, "state": {f.state, g.state}} {
			if pair[0] != pair[1] {
				out += "\n" + name + " before:\n" + pair[0] + "\nafter:\n" + pair[1]
			}
		}
		if g.fds > f.fds {
			out += fmt.Sprintf("\ndescriptors: %d before, %d after", f.fds, g.fds)
		}
		if out == "" {
			return ""
		}
	}
	return out
}

func takeFootprint(t *testing.T) footprint {
	t.Helper()
	var f footprint
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	f.mounts = string(mounts)
	fds, _ := os.ReadDir("/proc/self/fd")
	f.fds = len(fds)
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, path := range tasks {
		data, _ := os.ReadFile(path)
		f.children += string(data)
	}
	dir, err := state.Dir(testStateDir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		names = append(names, path)
		return nil
	})
	sort.Strings(names)
	f.state = strings.Join(names, "\n")
	return f
}

// testStateDir keeps tests out of the folder of real sandboxes.
var testStateDir string

func privateState(t *testing.T) options {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		testStateDir = filepath.Join("/run", "mcpbox-test-"+strconv.Itoa(os.Getpid()))
		t.Cleanup(func() { os.RemoveAll(testStateDir) })
		return options{stateDir: testStateDir}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return options{}
}

func standard(t *testing.T) *policies.Policy {
	t.Helper()
	p, err := policies.Preset("standard")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func runTrue(p *policies.Policy, opts options) error {
	_, err := run(context.Background(), Spec{Policy: p, BestEffort: true},
		Command{Args: []string{"true"}}, opts)
	return err
}

// A start that fails at any step leaves no mount, descriptor, process or file. A start that
// succeeds leaves none either.
func TestAFailedStartLeavesNothing(t *testing.T) {
	testhost.Need(t, "sandbox")
	opts := privateState(t)
	var steps []string
	noting := opts
	noting.step = func(step string) error { steps = append(steps, step); return nil }
	if err := runTrue(standard(t), noting); err != nil {
		t.Fatalf("first run: %v", err)
	}
	if len(steps) < 8 {
		t.Fatalf("only %d steps were passed: %v", len(steps), steps)
	}
	before := takeFootprint(t)
	if err := runTrue(standard(t), opts); err != nil {
		t.Fatal(err)
	}
	if left := before.left(t); left != "" {
		t.Fatal("a successful run left something: " + left)
	}
	boom := errors.New("injected")
	for _, at := range steps {
		t.Run(strings.ReplaceAll(at, " ", "_"), func(t *testing.T) {
			failing := opts
			failing.step = func(step string) error {
				if step == at {
					return boom
				}
				return nil
			}
			if err := runTrue(standard(t), failing); !errors.Is(err, boom) {
				t.Fatalf("error %v, want the injected one", err)
			}
			if left := before.left(t); left != "" {
				t.Error("left behind: " + left)
			}
		})
	}
}

// Without mcpbox's measure, libcontainer would keep a mount of /proc.
func TestTheSupervisorHoldsNoMountOfItsOwn(t *testing.T) {
	testhost.Need(t, "sandbox")
	if err := runTrue(standard(t), privateState(t)); err != nil {
		t.Fatal(err)
	}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatalf("no descriptors: %v", err)
	}
	for _, fd := range fds {
		if target, _ := os.Readlink(fd); target == "/" {
			t.Errorf("%s is the root of a mount", fd)
		}
	}
}

// heapInUse returns the size of reachable memory.
func heapInUse() int64 {
	var m goruntime.MemStats
	for range 3 {
		goruntime.GC()
	}
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
