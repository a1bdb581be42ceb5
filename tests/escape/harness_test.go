package escape

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// claim is one attack and what must come of it.
type claim struct {
	// attack is C: the body of attack(argc, argv), or whole functions if one has that name.
	attack string
	args   []string // of the attack, bare
	inside []string // of the attack, inside; nil: the same
	stdin  func(t *testing.T) *os.File
	extra  []*os.File // open in the caller as 3, 4, …
	dir    string     // the caller's working directory
	around []string   // a command that runs the attack, or mcpbox: prlimit …

	needsRoot bool // bare, only root can do it
	// bare is the errno with which it fails bare, past the check of permission; "": it succeeds.
	bare    string
	mayLack string // an errno by which a kernel without the interface answers bare

	presets []string // nil: all
	flags   []string // of mcpbox run
	events  []string // system calls, or limits, one of which must be reported
	silent  []string // presets in which the kernel refuses by itself: no event
	ends    string   // the status of a run that mcpbox ends; "": it says that it was refused
	endsAs  string   // the status of a run that fails of a limit; "": failed

	// coldOnly: not in a cell that was built ahead, because it is about the start, or the caller's
	// own limits.
	coldOnly bool

	tier string // a policy that is run in place of the preset that it extends

	// harmed looks at the host: true if the attack got its way. It is asked after the bare run too,
	// where it must be true.
	harmed func(inside bool) bool
}

var allPresets = []string{"basic", "standard", "strict", "maximum"}

// without are the presets but those named: where one permits by design what is attacked.
func without(names ...string) (out []string) {
	for _, p := range allPresets {
		if !slices.Contains(names, p) {
			out = append(out, p)
		}
	}
	return out
}

// slots keeps a small machine from being asked for everything at once.
var slots = make(chan struct{}, 3)

const deadline = 60 * time.Second

func hold(t *testing.T, c claim) {
	t.Helper()
	t.Parallel()
	dir := compile(t, c.attack)
	t.Run("bare", func(t *testing.T) { c.runBare(t, dir) })
	presets := c.presets
	if presets == nil {
		presets = allPresets
	}
	for _, preset := range presets {
		t.Run(preset, func(t *testing.T) { c.runInside(t, dir, preset, false) })
		if !c.coldOnly {
			t.Run(preset+", a cell built "+
				"ahead", func(t *testing.T) { c.runInside(t, dir, preset, true) })
		}
		// The tier of mcpbox code for what nobody has read holds what strict holds.
		if preset == "strict" {
			secure := c
			secure.tier = "code-secure"
			t.Run(secure.tier, func(t *testing.T) { secure.runInside(t, dir, preset, false) })
		}
	}
}

func (c *claim) runBare(t *testing.T, dir string) {
	if c.needsRoot {
		testhost.Need(t, "root") // bare, only root can do this
	}
	out := c.execute(t, exec.Command(dir+"/attack", c.args...))
	want, code := "", 0
	if c.bare != "" {
		want, code = ": "+c.bare+"\n", 1
	}
	if c.mayLack != "" && out.code == 1 && strings.HasSuffix(out.stdout, ": "+c.mayLack+"\n") {
		testhost.Lacks(t, "new-interface", "this kernel does not have it: %s", out.stdout)
	}
	if out.code != code || !strings.HasSuffix(out.stdout, want) {
		t.Fatalf("the attack proves nothing: bare it should end with %d %q\nit ended with %d\n%s%s",
			code, want, out.code, out.stdout, out.stderr)
	}
	if c.bare == "" && c.harmed != nil && !c.harmed(false) {
		t.Fatal("the attack proves nothing: bare it harms nobody")
	}
}

func (c *claim) runInside(t *testing.T, dir, preset string, cell bool) {
	args := c.inside
	if args == nil {
		args = c.args
	}
	// One mount for all: the resident keeps sandboxes ready for a policy, mounts included.
	flags := append([]string{"--policy", cmp.Or(c.tier, preset), "--mount", scratch +
		":/attack:ro"}, c.flags...)
	if cell {
		flags = append([]string{"--resident"}, flags...)
	}
	program := "/attack/" + filepath.Base(dir) + "/attack"
	r := runMcpbox(t, c, flags, append([]string{program}, args...))
	status, code := "failed", 1
	if c.endsAs != "" {
		status = c.endsAs
	}
	switch {
	case c.ends == "setup_error":
		status, code = c.ends, 125
	case c.ends != "":
		status, code = c.ends, 137
	}
	switch {
	case preset == "maximum" && r.code == 137 &&
		r.Status == "violation": // it ends at the first refusal
	case r.code != code || r.Status != status,
		c.ends == "" && !strings.HasPrefix(r.stdout, "refused: "):
		t.Errorf("HOLE or broken attack: status %q, exit code %d\nstdout: %s\nstderr: %s", r.Status,
			r.code, r.stdout, r.stderr)
	}
	if c.harmed != nil && c.harmed(true) {
		t.Error("HOLE: the host was harmed")
	}
	if len(c.events) > 0 && !slices.Contains(c.silent, preset) && !r.reported(c.events, preset) {
		t.Errorf("not reported: want an event about one of %v, got %v\nstdout: %s", c.events,
			r.names(), r.stdout)
	}
	if c.ends != "setup_error" {
		r.checkTruth(t)
	}
	// The first process of a sandbox has its id, a cell's has a number behind it.
	if built := strings.Contains(r.ID, "-"); built != cell && c.ends != "setup_error" {
		t.Errorf("in a cell that was built ahead: %v, want %v (execution %s)", built, cell, r.ID)
	}
}

type output struct {
	stdout, stderr string
	code           int
}

func (c *claim) execute(t *testing.T, cmd *exec.Cmd) output {
	t.Helper()
	slots <- struct{}{}
	defer func() { <-slots }()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	line := append(slices.Clone(c.around), cmd.Args...)
	bounded := exec.CommandContext(ctx, line[0], line[1:]...)
	// A group of its own, so that an attack that signals its group reaches itself only.
	bounded.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bounded.WaitDelay = time.Second
	bounded.Dir, bounded.ExtraFiles = c.dir, c.extra
	if c.stdin != nil {
		f := c.stdin(t)
		defer f.Close()
		bounded.Stdin = f
	}
	var stdout, stderr bytes.Buffer
	bounded.Stdout, bounded.Stderr = &stdout, &stderr
	err := bounded.Run()
	if bounded.ProcessState == nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%v: still running after %v\n%s%s", cmd.Args, deadline, stdout.String(),
			stderr.String())
	}
	return output{stdout.String(), stderr.String(), bounded.ProcessState.ExitCode()}
}
