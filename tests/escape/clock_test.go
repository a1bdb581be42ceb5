package escape

import "testing"

// Bare, root may set nothing, which changes nothing; the permission is checked before.
func TestCannotSetTheClock(t *testing.T) {
	hold(t, claim{
		attack: `TRY(syscall(SYS_settimeofday, NULL, NULL));`, needsRoot: true,
		events: []string{"settimeofday"},
	})
}

// A wrong tick is refused as such to root.
func TestCannotAdjustTheClock(t *testing.T) {
	hold(t, claim{
		attack: `
	struct timex t = {.modes = ADJ_TICK, .tick = 1};
	TRY(syscall(SYS_adjtimex, &t));`,
		needsRoot: true, bare: "EINVAL",
		events: []string{"adjtimex"},
	})
}
