package escape

import "testing"

// A child of PID 1 in its parent's place was seen by no limit of the watchdog.
func TestCannotMakeAChildInThePlaceOfASibling(t *testing.T) {
	hold(t, claim{
		attack: `
	int status;
	pid_t middle = fork();
	if (!middle) {
		pid_t p = syscall(SYS_clone, CLONE_PARENT, 0, 0, 0, 0);
		if (p == 0) _exit(0);
		_exit(p < 0 ? errno : 0);
	}
	if (middle < 0) TRY(-1);
	TRY(waitpid(middle, &status, 0) < 0 ? -1 : 0);
	while (waitpid(-1, 0, WNOHANG) > 0);
	errno = WEXITSTATUS(status);
	TRY(errno ? -1 : 0);`,
		presets: []string{"basic", "standard"}, events: []string{"clone"},
	})
}

func TestCannotMakeAChildOfItsParentWhereNoneMayBeMade(t *testing.T) {
	hold(t, claim{
		attack:  `pid_t p = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0); if (p == 0) _exit(0); TRY(p);`,
		presets: []string{"strict", "maximum"}, events: []string{"clone"},
	})
}
