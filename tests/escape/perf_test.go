package escape

import "testing"

func TestCannotWatchTheKernelByPerformanceCounters(t *testing.T) {
	hold(t, claim{
		attack: `
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_CPU_CLOCK};
	TRY(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));`,
		needsRoot: true, mayLack: "ENOSYS",
		events: []string{"perf_event_open"},
	})
}
