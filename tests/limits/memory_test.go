package limits

import (
	"testing"

	"github.com/mcpbox/mcpbox/runtime"
)

func TestAProgramOverItsMemoryIsKilledAndReported(t *testing.T) {
	b := requireSandbox(t)
	o := runVictim(t, []string{"--memory", "64MiB"}, "alloc", "1024")
	if o.Status != runtime.StatusMemory || o.ExitCode != 137 || o.Success {
		t.Errorf("status %s, exit code %d\n%s%s", o.Status, o.ExitCode, o.stdout, o.stderr)
	}
	e := o.events(t, "memory")[0]
	if e.Type != "resource_limit_exceeded" || e.Action != "kill" || e.Limit.Value != 64*mib ||
		e.Limit.Observed < 64*mib || e.Limit.Backend != b {
		t.Errorf("event %+v, limit %+v, want a kill by %s", e, *e.Limit, b)
	}
	// The peak may exceed the limit, because each CPU charges memory in advance: memcontrol.c,
	// MEMCG_CHARGE_BATCH.
	if b == "cgroup2" && (o.MemoryUsed < 60*mib || o.MemoryUsed > 65*mib) {
		t.Errorf("the kernel let it use %d bytes of 64 MiB", o.MemoryUsed)
	}
}

// Four children of 30 MiB each are below every limit per process, but together above the sandbox's
// limit.
func TestMemoryOfAllChildrenCounts(t *testing.T) {
	b := requireSandbox(t)
	path, mount := victim(t)
	o := run(t, append(mount, "--memory", "64MiB", "--timeout", "60s", "--", "sh", "-c",
		`for i in 1 2 3 4; do `+path+` hold 30 60 & done; wait`)...)
	if o.Status != runtime.StatusMemory || o.ExitCode != 137 {
		t.Errorf("status %s, exit code %d\n%s%s", o.Status, o.ExitCode, o.stdout, o.stderr)
	}
	if e := o.events(t, "memory")[0]; e.Limit.Backend != b {
		t.Errorf("event %+v, limit %+v", e, *e.Limit)
	}
}
