package escape

import (
	"os/exec"
	"testing"
)

func TestCannotRaiseItsLimits(t *testing.T) {
	hold(t, claim{
		attack: `
	struct rlimit r = {2000, 2000};
	TRY(setrlimit(RLIMIT_NOFILE, &r));`,
		presets: without("basic"), // has no limits
	})
}

// Real time is a way to starve the host; whoever may use it (audio groups, say) does not pass it on.
func TestDoesNotInheritTheRightToRunInRealTime(t *testing.T) {
	if out, err := exec.Command("prlimit", "--rtprio=50", "true").CombinedOutput(); err != nil {
		t.Skipf("no way to give the limit to a program first: %v %s", err, out)
	}
	hold(t, claim{
		attack: `
	struct sched_param p = {1};
	TRY(sched_setscheduler(0, SCHED_FIFO, &p));`,
		around: []string{"prlimit", "--rtprio=50"},
		events: []string{"sched_setscheduler"}, silent: []string{"basic", "standard"},
	})
}
