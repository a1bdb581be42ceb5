package escape

import (
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

func TestCannotRaiseItsLimits(t *testing.T) {
	hold(t, claim{
		attack: `
	struct rlimit r = {2000, 2000};
	TRY(setrlimit(RLIMIT_NOFILE, &r));`,
		presets: without("basic"), // has no limits
	})
}

// Real time is a way to starve the host; whoever may use it (audio groups, say) does not pass it
// on.
func TestDoesNotInheritTheRightToRunInRealTime(t *testing.T) {
	testhost.Need(t, "rtprio")
	hold(t, claim{
		attack: `
	struct sched_param p = {1};
	TRY(sched_setscheduler(0, SCHED_FIFO, &p));`,
		around: []string{"prlimit", "--rtprio=50"},
		events: []string{"sched_setscheduler"}, silent: []string{"basic", "standard"},
	})
}
