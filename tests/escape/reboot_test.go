package escape

import "testing"

// Bare, root gets as far as a check of the (wrong) magic numbers.
func TestCannotReboot(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_reboot, 1, 2, 3, NULL));`,
		needsRoot: true, bare: "EINVAL",
		events: []string{"reboot"},
	})
}
