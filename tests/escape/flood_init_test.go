package escape

import "testing"

// Signals that init takes no notice of must not make it miss the end of the tool: the run has to
// end.
func TestCannotMakeInitMissItsEndByAStormOfSignals(t *testing.T) {
	hold(t, claim{
		attack: `
	int target = atoi(argv[1]), ends[2];
	TRY(pipe(ends));
	fcntl(ends[0], F_SETOWN, target);
	fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++) {
		fcntl(ends[0], F_SETSIG, sig);
		for (int i = 0; i < 300; i++) { char c; write(ends[1], "x", 1); read(ends[0], &c, 1); }
	}
	if (target == 1) held("sent, for what it is worth");`,
		args: []string{bystander(t)}, inside: []string{"1"},
	})
}
