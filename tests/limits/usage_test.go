package limits

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTheResultHasTheUsedCPUTime(t *testing.T) {
	requireSandbox(t)
	o := runVictim(t, []string{"--cpus", "2"}, "burn", "2000")
	if !o.Success {
		t.Fatalf("status %s\n%s", o.Status, o.stderr)
	}
	within(t, "cpu_time", time.Duration(o.CPUTime).Seconds(), 2)
}

func TestTheResultHasThePeakOfMemory(t *testing.T) {
	requireSandbox(t)
	o := runVictim(t, nil, "hold", "200", "1")
	if !o.Success {
		t.Fatalf("status %s\n%s", o.Status, o.stderr)
	}
	within(t, "memory_used", float64(o.MemoryUsed), 200*mib)
}

func TestTheResultHasThePeakOfTasks(t *testing.T) {
	requireSandbox(t)
	o := run(t, "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait")
	if o.ProcessesPeak != 10 {
		t.Errorf("processes_peak %d, 10 ran at once", o.ProcessesPeak)
	}
}

func TestTheResultMatchesWhatTheSandboxReads(t *testing.T) {
	requireCgroup2(t)
	o := run(t, "--", "sh", "-c",
		`i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; grep usage_usec /sys/fs/cgroup/cpu.stat`)
	inside, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(o.stdout, "usage_usec")))
	if err != nil {
		t.Fatalf("%q: %v", o.stdout, err)
	}
	if outside := time.Duration(o.CPUTime).Microseconds(); int64(inside) > outside || inside == 0 {
		t.Errorf("cpu.stat inside says %d µs, the result %d", inside, outside)
	}
}

func within(t *testing.T, name string, got, want float64) {
	t.Helper()
	t.Logf("%s %g, known %g", name, got, want)
	if got < 0.9*want || got > 1.1*want {
		t.Errorf("%s is %g; the workload was %g ± 10 %%", name, got, want)
	}
}
