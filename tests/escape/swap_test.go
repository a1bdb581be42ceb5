package escape

import "testing"

// Bare, root gets as far as looking for the file.
func TestCannotChangeTheSwapSpace(t *testing.T) {
	for _, call := range []string{"swapon", "swapoff"} {
		t.Run(call, func(t *testing.T) {
			hold(t, claim{
				attack:    `TRY(syscall(SYS_` + call + `, "/nonexistent", 0));`,
				needsRoot: true, bare: "ENOENT", mayLack: "ENOSYS",
				events: []string{call},
			})
		})
	}
}
