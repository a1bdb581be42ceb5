package escape

import "testing"

// What is asked for through a ring passes no filter.
func TestCannotMakeAnIOUring(t *testing.T) {
	hold(t, claim{
		attack: `
	char params[120] = {0};
	TRY(syscall(SYS_io_uring_setup, 1, params));`,
		mayLack: "EPERM", // switched off by sysctl
		events:  []string{"io_uring_setup"},
	})
}
