package escape

import "testing"

// Bare, root gets as far as a check of the (wrong) flags.
func TestCannotReplaceTheKernel(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_kexec_load, 0, 0, NULL, 0xffff));`,
		needsRoot: true, bare: "EINVAL", mayLack: "ENOSYS",
		events: []string{"kexec_load"},
	})
}
