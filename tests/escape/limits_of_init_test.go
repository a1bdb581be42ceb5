package escape

import "testing"

// PID 1 has the caller's uid where ids are mapped singly: then nothing but the filter is between the tool and its limits.
func TestCannotChangeTheLimitsOfTheSandboxsInit(t *testing.T) {
	hold(t, claim{
		attack: `
	struct rlimit none = {0, 0};
	TRY(prlimit(atoi(argv[1]), RLIMIT_NOFILE, &none, NULL));`,
		args: []string{bystander(t)}, inside: []string{"1"},
		events: []string{"prlimit64"}, silent: []string{"maximum"},
	})
}
