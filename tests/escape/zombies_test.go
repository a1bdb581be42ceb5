package escape

import "testing"

func TestOrphansDoNotStayAsZombies(t *testing.T) {
	hold(t, claim{
		attack: `
	for (int i = 0; i < 400; i++) {
		pid_t pid = TRY(fork());
		if (!pid) { if (fork() == 0) _exit(0); _exit(0); }
		waitpid(pid, NULL, 0);
	}
	errno = 0;
	held("all of them were reaped, or the limit of processes would have been met: ECHILD");`,
		bare: "ECHILD", presets: []string{"basic", "standard"},
	})
}
