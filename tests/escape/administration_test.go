package escape

import "testing"

// Bare, root gets as far as looking for the file.
func TestCannotSwitchOnAccounting(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_acct, "/nonexistent"));`,
		needsRoot: true, bare: "ENOENT", mayLack: "ENOSYS",
		events: []string{"acct"},
	})
}

func TestCannotReadTheLogOfTheKernel(t *testing.T) {
	hold(t, claim{attack: `TRY(syscall(SYS_syslog, 10, NULL, 0));`, needsRoot: true,
		events: []string{"syslog"}})
}

func TestCannotWatchAWholeFileSystem(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_fanotify_init, 4, 0));`, // FAN_CLASS_CONTENT
		needsRoot: true, mayLack: "ENOSYS",
		events: []string{"fanotify_init"},
	})
}
