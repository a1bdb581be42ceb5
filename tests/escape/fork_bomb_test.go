package escape

import "testing"

func TestAForkBombEndsAtItsLimit(t *testing.T) {
	hold(t, claim{
		attack: `
	signal(SIGTERM, SIG_IGN);
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();
		if (pid == 0) { signal(SIGTERM, SIG_DFL); sleep(20); _exit(0); }
		if (pid < 0) { usleep(300000); kill(0, SIGTERM); errno = EAGAIN; refused("fork"); } // the watchdog polls
	}
	kill(0, SIGTERM);`,
		endsAs: "pids_limit", presets: []string{"standard"}, // strict and maximum make no processes
		flags:  []string{"--pids", "50"},
		events: []string{"pids", "clone"},
	})
}
