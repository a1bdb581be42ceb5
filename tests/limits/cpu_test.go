package limits

import (
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/runtime"
)

// Two processes that want two CPUs for two seconds get half a CPU.
func TestTheCPUQuotaHoldsAndIsReported(t *testing.T) {
	requireCgroup2(t)
	path, mount := victim(t)
	o := run(t, append(mount, "--cpus", "0.5", "--", "sh", "-c",
		path+" spin 2 & "+path+" spin 2; wait")...)
	if !o.Success {
		t.Fatalf("status %s\n%s", o.Status, o.stderr)
	}
	share := float64(o.CPUTime) / float64(o.ExecutionTime)
	t.Logf("%.3f of a CPU over %.2f s", share, time.Duration(o.ExecutionTime).Seconds())
	if share < 0.5*0.85 || share > 0.5*1.15 {
		t.Errorf("used %.3f of a CPU, the limit is 0.5 ± 15 %%", share)
	}
	e := o.events(t, "cpus")[0]
	if e.Type != "resource_limit_exceeded" || e.Action != "throttled" || e.Limit.Value != 500 ||
		e.Limit.Backend != "cgroup2" {
		t.Errorf("event %+v, limit %+v", e, *e.Limit)
	}
}

func TestAProgramOverItsCPUTimeIsKilledAndReported(t *testing.T) {
	b := requireSandbox(t)
	path, mount := victim(t)
	// Two processes of 0.6 s each: neither is over the limit alone.
	o := run(t, append(mount, "--cpu-time", "1s", "--cpus", "2", "--timeout", "60s", "--", "sh",
		"-c", path+" burn 700 & "+path+" burn 700; wait; sleep 60")...)
	if o.Status != runtime.StatusCPU || o.ExitCode != 137 {
		t.Errorf("status %s, exit code %d\n%s", o.Status, o.ExitCode, o.stderr)
	}
	e := o.events(t, "cpu_time")[0]
	if e.Action != "kill" || e.Limit.Value != 1000 || e.Limit.Observed < 1000 ||
		e.Limit.Backend != b {
		t.Errorf("event %+v, limit %+v", e, *e.Limit)
	}
}
