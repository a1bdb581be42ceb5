package escape

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/seccomp"
)

const auditAMD64 = 0xc000003e

// Every number, with null and with junk arguments: what the kernel did must be what the policy
// compiles to, and what is said about it must be what was done. A refusal shows in its event; a
// call that was executed has none.
func TestEverySystemCallIsJudgedAsCompiled(t *testing.T) {
	source, err := os.ReadFile("testdata/sweep.c")
	if err != nil {
		t.Fatal(err)
	}
	dir := compile(t, "#include <setjmp.h>\n"+string(source))
	before := hostState(t)
	t.Cleanup(func() { before.compare(t) })
	for _, preset := range allPresets {
		for argument, value := range map[string]uint64{"null": 0, "junk": 0x5a5a5a5a5a5a5a5a} {
			t.Run(preset+" "+argument, func(t *testing.T) {
				t.Parallel()
				sweep(t, dir, preset, argument, value)
			})
		}
	}
}

// survivable is the preset with refusals that do not kill: the program is the same, and the sweeper
// lives on.
func survivable(t *testing.T, preset string) string {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	text := fmt.Sprintf("version: 1\nname: sweep\nextends: %s\nsyscalls: {violation: "+
		"errno}\n", preset)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func sweep(t *testing.T, dir, preset, argument string, value uint64) {
	policy, err := policies.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	filter, err := seccomp.Compile(policy.Syscalls)
	if err != nil {
		t.Fatal(err)
	}
	r := runMcpbox(t, &claim{stdin: pipeEnd}, []string{"-q", "--policy", survivable(t, preset),
		"--mount", dir + ":/attack:ro"}, []string{"/attack/attack", argument})
	if r.code != 0 || r.Stats.Dropped != 0 {
		t.Fatalf("the sweeper did not come through: status %s, exit code %d, %d events "+
			"dropped\n%s%s", r.Status, r.code, r.Stats.Dropped, r.stdout, r.stderr)
	}
	told := map[int]string{}
	for _, e := range r.events {
		if e.Syscall != nil && e.Syscall.Arch == "" {
			told[e.Syscall.Number] = e.Action
		}
	}
	seen := 0
	for lines := bufio.NewScanner(strings.NewReader(r.stdout)); lines.Scan(); {
		var nr, errno int
		if n, _ := fmt.Sscan(lines.Text(), &nr, &errno); n != 2 {
			continue
		}
		seen++
		args := [6]uint64{value, value, value, value, value, value}
		verdict, err := filter.Verdict(auditAMD64, nr, args)
		if err != nil {
			t.Fatal(err)
		}
		name, known := seccomp.SyscallName(auditAMD64, nr)
		refusal := syscall.EPERM
		if !known || name == "openat2" ||
			seccomp.KernelLacks(nr) { // openat2's flags are in memory; programs fall back to openat
			refusal = syscall.ENOSYS
		}
		action, reported := told[nr]
		switch {
		case passesEveryFilter(name):
		case verdict.Notified() && (syscall.Errno(errno) != refusal || !reported):
			t.Errorf("%d %s: compiled as refused; errno %d, reported %v", nr, name, errno, reported)
		case verdict.Notified() && action != refusalName(refusal):
			t.Errorf("%d %s: the event says %s, the program saw errno %d", nr, name, action, errno)
		case verdict.Errno() != 0 && (syscall.Errno(errno) != verdict.Errno() || reported):
			t.Errorf("%d %s: compiled as %v; errno %d, reported "+
				"%v", nr, name, verdict, errno, reported)
		case verdict.Allowed() && reported:
			t.Errorf("%d %s: compiled as allowed, yet reported as refused", nr, name)
		}
	}
	if seen < 590 {
		t.Errorf("only %d of 601 numbers were tried", seen)
	}
	r.checkTruth(t)
}

// passesEveryFilter: the kernel (6.12.10 and 6.18) lets these two past seccomp, whatever a filter
// says. They do nothing but return from a probe that the host's root has set, and end with SIGILL
// or ENXIO anywhere else.
func passesEveryFilter(name string) bool { return name == "uretprobe" || name == "uprobe" }

func refusalName(e syscall.Errno) string {
	if e == syscall.ENOSYS {
		return "ENOSYS"
	}
	return "EPERM"
}

// pipeEnd is a stdin of the sweeper's own: calls act on descriptor 0, which must be nobody else's.
func pipeEnd(t *testing.T) *os.File {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { write.Close() })
	return read
}
