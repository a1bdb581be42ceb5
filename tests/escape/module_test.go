package escape

import "testing"

// Bare, root gets as far as looking for the module.
func TestCannotRemoveAKernelModule(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_delete_module, "mcpbox_no_such_module", O_NONBLOCK));`,
		needsRoot: true, bare: "ENOENT", mayLack: "ENOSYS",
		events: []string{"delete_module"},
	})
}

// Bare, root gets as far as looking at the (empty) image.
func TestCannotLoadAKernelModule(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_init_module, "", 0, ""));`,
		needsRoot: true, bare: "ENOEXEC", mayLack: "ENOSYS",
		events: []string{"init_module"},
	})
}
