package runtime

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// builtCell builds a cell.
func builtCell(t *testing.T, box *Sandbox) *Cell {
	t.Helper()
	cell, err := box.NewCell(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cell
}

// inCell runs a command in a cell built for it.
func inCell(t *testing.T, box *Sandbox, cmd Command) *Result {
	t.Helper()
	cell := builtCell(t, box)
	p, err := cell.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func cellBox(t *testing.T, p *policies.Policy) *Sandbox {
	t.Helper()
	testhost.Need(t, "sandbox")
	return startBoxOf(t, p, 4)
}

func TestACellRunsOneProgram(t *testing.T) {
	box := cellBox(t, standard(t))
	var out, stderr bytes.Buffer
	cmd := sh(`id -u; pwd; echo "$1 $2" >&2; read line; echo "$line"; echo $$; exit 3`)
	cmd.Args = append(cmd.Args, "sh", "a b", "")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("hello\n"), &out, &stderr
	res := inCell(t, box, cmd)
	if out.String() != "1000\n/work\nhello\n2\n" || stderr.String() != "a b \n" ||
		res.ExitCode != 3 {
		t.Errorf("%q, %q, %+v", out.String(), stderr.String(), res)
	}
	for _, layer := range allLayers() {
		if layer != policies.LayerCgroupLimits && layer != policies.LayerLandlock &&
			res.Layers[layer] != Enforced {
			t.Errorf("%s is %s", layer, res.Layers[layer])
		}
	}
	if _, err := box.Start(t.Context(), sh("true")); err == nil || Hint(err) == "" {
		t.Errorf("a process without a cell: %v", err)
	}
	if _, err := startBox(t, standard(t)).NewCell(t.Context()); err == nil || Hint(err) == "" {
		t.Errorf("a cell in a sandbox without: %v", err)
	}
}

// A cell that lacks a namespace would share the sandbox's, and so that of other calls. The
// sandbox's namespace also differs from the host's, so the check must compare with PID 1.
func TestAMissingNamespaceOfACellIsDetected(t *testing.T) {
	testhost.Need(t, "sandbox")
	for name, flag := range map[string]uint64{"net": unix.CLONE_NEWNET, "ipc": unix.CLONE_NEWIPC,
		"uts": unix.CLONE_NEWUTS, "cgroup": unix.CLONE_NEWCGROUP} {
		t.Run(name, func(t *testing.T) {
			opts := privateState(t)
			opts.tamper = func(b *initproto.SpawnBody) { b.CloneFlags &^= flag }
			spec := Spec{Policy: standard(t), BestEffort: true, Cells: 1}
			box, err := start(t.Context(), spec, opts)
			if err != nil {
				t.Fatal(err)
			}
			defer box.Close()
			cell, err := box.NewCell(t.Context())
			if err != nil {
				return // the cell could not be built, which is also safe
			}
			if _, err := cell.Start(t.Context(), sh("true")); !errors.Is(err, ErrLayer) {
				t.Errorf("the call went on without a namespace of its own: %v", err)
			}
		})
	}
}

// A cell has the mounts of a process that is started without one: no mount too many, none missing,
// none more writable.
func TestACellHasTheMountsOfAProcess(t *testing.T) {
	testhost.Need(t, "sandbox")
	for _, preset := range []string{"basic", "standard", "strict", "maximum"} {
		t.Run(preset, func(t *testing.T) {
			p, err := policies.Preset(preset)
			if err != nil {
				t.Fatal(err)
			}
			p.Network.Mode = policies.NetworkNone // basic's is the host's: another resolv.conf
			var alone, cell bytes.Buffer
			read := Command{Args: []string{"/usr/bin/cat", "/proc/self/mountinfo"}, Stdout: &alone}
			spec := Spec{Policy: p, BestEffort: true}
			if _, err := run(t.Context(), spec, read, privateState(t)); err != nil {
				t.Fatal(err)
			}
			read.Stdout = &cell
			inCell(t, startBoxOf(t, p, 1), read)
			want, got := mountsOf(alone.String()), mountsOf(cell.String())
			if len(want) < 20 {
				t.Fatalf("%d mounts only: nothing was compared", len(want))
			}
			for path, access := range got {
				if want[path] != access {
					t.Errorf("%s is %s in a cell, %q in a process", path, access, want[path])
				}
			}
			for path := range want {
				if got[path] == "" {
					t.Errorf("%s is no mount in a cell", path)
				}
			}
		})
	}
}

func TestPoliciesThatCellsCannotServeAreRefused(t *testing.T) {
	secrets, published, hidden := standard(t), standard(t), standard(t)
	secrets.AllowNetwork(policies.NetworkRule{Host: "api.example.test"})
	secrets.Secrets = []policies.Secret{{Name: "TOKEN", Hosts: []string{"api.example.test"},
		Header: "Authorization"}}
	published.Network.Publish = []string{"8080"}
	hidden.Filesystem.Hidden = []string{"/work/.env"}
	hidden.Filesystem.Mounts = []policies.Mount{{Source: t.TempDir(), Target: "/work",
		Mode: policies.ReadOnly}}
	none, err := policies.Preset("none")
	if err != nil {
		t.Fatal(err)
	}
	specs := map[string]Spec{"files": {Policy: standard(t), Files: []File{{Path: "/work/x"}}}}
	for name, p := range map[string]*policies.Policy{"secrets": secrets, "published": published,
		"hidden": hidden, "none": none} {
		specs[name] = Spec{Policy: p}
	}
	for name, spec := range specs {
		spec.Cells, spec.BestEffort = 1, true
		if box, err := Start(t.Context(), spec); err == nil || Hint(err) == "" {
			t.Errorf("%s: error %v, hint %q", name, err, Hint(err))
			if box != nil {
				box.Close()
			}
		}
	}
}

func TestASandboxHasAsManyCellsAsItsSpecSays(t *testing.T) {
	box := cellBox(t, standard(t))
	var cells []*Cell
	for range box.spec.Cells {
		cell := builtCell(t, box)
		cells = append(cells, cell)
	}
	if _, err := box.NewCell(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	cells[0].Close()
	if res := inCell(t, box, sh("exit 0")); !res.Success {
		t.Errorf("%+v", res)
	}
}

func TestACellEndsWithItsProgram(t *testing.T) {
	box := cellBox(t, standard(t))
	for script, want := range map[string]string{"kill -TERM $$": "SIGTERM",
		"kill -ABRT $$": "SIGABRT", "kill -KILL $$": "SIGKILL"} {
		if res := inCell(t, box, sh(script)); res.Signal != want || res.Status != StatusSignaled {
			t.Errorf("%s: %+v", script, res)
		}
	}
	cell := builtCell(t, box)
	if _, err := cell.Start(t.Context(),
		Command{Args: []string{"no-such-program"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a misspelt command: %v", err)
	}
	if _, err := cell.Start(t.Context(), sh("true")); !errors.Is(err, ErrClosed) {
		t.Errorf("a second call: %v", err)
	}
	if res := inCell(t, box, sh("exit 0")); !res.Success {
		t.Errorf("the sandbox did not live on: %+v", res)
	}
}

func TestALimitOfACallEndsOnlyItsCell(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	hungry, slow := standard(t), standard(t)
	hungry.Limits.Memory = 64 << 20
	slow.Limits.Timeout = policies.Duration(time.Second)
	hog := Command{Args: []string{"python3", "-c",
		"x = bytearray(300 << 20)\nimport time\ntime.sleep(60)"}}
	for _, c := range []struct {
		policy  *policies.Policy
		command Command
		status  Status
		err     error
	}{
		{hungry, hog, StatusMemory, ErrLimit},
		{slow, sh("sleep 60 & sleep 60"), StatusTimeout, context.DeadlineExceeded},
	} {
		box := cellBox(t, c.policy)
		before := builtCell(t, box)
		if res := inCell(t, box, c.command); res.Status != c.status || !errors.Is(res.Err, c.err) {
			t.Errorf("want %s: %+v", c.status, res)
		}
		other, err := before.Start(t.Context(), sh("exit 4"))
		if err != nil {
			t.Fatal(err)
		}
		if res, _ := other.Wait(); res.ExitCode != 4 {
			t.Errorf("a cell that was there before: %+v", res)
		}
	}
}

// A program in a cell has the same limits per process, and the same number of tasks, as in a
// separate sandbox.
func TestACellHasTheLimitsOfItsPolicy(t *testing.T) {
	policy := standard(t)
	policy.Limits.OpenFiles, policy.Limits.FileSize, policy.Limits.PIDs = 77, 3<<20, 20
	// Counts how many children it may have in addition to itself.
	const script = `import os, resource, signal
print(resource.getrlimit(resource.RLIMIT_NOFILE)[1], resource.getrlimit(resource.RLIMIT_FSIZE)[1], flush=True)
n = 0
try:
  while n < 100:
    if os.fork() == 0: signal.pause()
    n += 1
except OSError: pass
print(n)`
	said := func(run func(Command) *Result) string {
		var out bytes.Buffer
		run(Command{Args: []string{"python3", "-c", script}, Stdout: &out})
		return out.String()
	}
	testhost.Need(t, "python3")
	cells, alone := cellBox(t, policy), startBox(t, policy)
	want := "77 3145728\n19\n"
	if got := said(func(cmd Command) *Result { return finish(t, alone, cmd) }); got != want {
		t.Errorf("in a sandbox %q, want %q", got, want)
	}
	if got := said(func(cmd Command) *Result { return inCell(t, cells, cmd) }); got != want {
		t.Errorf("in a cell %q, want %q", got, want)
	}
}

// A call does not find anything that the previous one left.
func TestCellsShareNothing(t *testing.T) {
	box := cellBox(t, standard(t))
	first := builtCell(t, box)
	second := builtCell(t, box)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := sh(`for d in /tmp /work /home/user /dev/shm; do echo secret > $d/left || exit 1; done; echo ready; sleep 1000`)
	cmd.Stdout = w
	alive, err := first.Start(t.Context(), cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd = sh(`ls /tmp /work /home/user /dev/shm; ls -d /proc/[0-9]*; ls /dev/pts; cat /proc/net/dev | wc -l`)
	cmd.Stdout = &out
	p, err := second.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"left", "/proc/3 ", "sleep"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is seen:\n%s", bad, out.String())
		}
	}
	alive.Kill()
	if res, _ := alive.Wait(); res.Signal != "SIGKILL" {
		t.Errorf("%+v", res)
	}
}

func TestManyCellsLeaveNothing(t *testing.T) {
	box := cellBox(t, standard(t))
	run := func(n int) {
		for range n {
			if res := inCell(t, box, sh("sleep 1000 & exit 0")); !res.Success {
				t.Fatalf("%+v", res)
			}
			unused := builtCell(t, box)
			unused.Close()
		}
	}
	run(10)
	n := 100
	if testing.Short() {
		n = 20
	}
	before, heap := takeFootprint(t), heapInUse()
	run(n)
	if left := before.left(t); left != "" {
		t.Error("left behind: " + left)
	}
	if grown := heapInUse() - heap; grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}
