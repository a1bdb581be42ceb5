package escape

import "testing"

// Bare, root gets as far as reading the paths.
func TestCannotSwapItsRootByPivotRoot(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_pivot_root, NULL, NULL));`,
		needsRoot: true, bare: "EFAULT",
		events: []string{"pivot_root"},
	})
}
