package limits

import (
	"testing"

	"github.com/mcpbox/mcpbox/runtime"
)

func TestForksOverTheLimitAreRefusedAndReported(t *testing.T) {
	b := requireSandbox(t)
	const limit = 40
	o := run(t, "--pids", "40", "--", "perl", "-e",
		`for (1..100) { my $p = fork; if (!defined $p) { print "after $_: $!\n"; sleep 1; exit 1 } sleep 60 unless $p }`)
	if o.Status != runtime.StatusPIDs || o.ExitCode != 1 ||
		o.stdout != "after 40: Resource temporarily unavailable\n" {
		t.Errorf("status %s, exit code %d\n%s%s", o.Status, o.ExitCode, o.stdout, o.stderr)
	}
	e := o.events(t, "pids")[0]
	if e.Type != "resource_limit_exceeded" || e.Limit.Value != limit || e.Limit.Observed != limit ||
		e.Limit.Backend != b {
		t.Errorf("event %+v, limit %+v", e, *e.Limit)
	}
	if b == "cgroup2" && e.Action != "refused" {
		t.Errorf("the kernel counted a refusal, the event says %q", e.Action)
	}
	if o.ProcessesPeak != limit {
		t.Errorf("%d tasks at once, limit %d", o.ProcessesPeak, limit)
	}
}

// An endless fork bomb that continues when forks are refused. The limit holds, and the bomb ends
// with its sandbox.
func TestAForkBombIsLimitedAndEndsWithItsSandbox(t *testing.T) {
	requireSandbox(t)
	was := adopt(t)
	o := run(t, "--pids", "60", "--timeout", "3s", "--", "perl", "-e", "fork while 1")
	if o.Status != runtime.StatusTimeout || o.ExitCode != 124 {
		t.Errorf("status %s, exit code %d", o.Status, o.ExitCode)
	}
	o.events(t, "pids")
	if o.ProcessesPeak > 60 {
		t.Errorf("%d tasks at once, limit 60", o.ProcessesPeak)
	}
	was.nothingNew(t)
}
