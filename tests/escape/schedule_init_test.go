package escape

import "testing"

func TestCannotChangeTheSchedulingOfTheSandboxsInit(t *testing.T) {
	hold(t, claim{
		attack: `
	struct sched_param p = {0};
	TRY(sched_setscheduler(atoi(argv[1]), SCHED_IDLE, &p));`,
		args: []string{bystander(t)}, inside: []string{"1"},
		events: []string{"sched_setscheduler"}, silent: []string{"basic", "standard"},
		// the kernel: init holds capabilities
	})
}
