package escape

import "testing"

// A descriptor's owner is signalled by the kernel when data arrives: a way to send any signal
// without kill(2).
func TestCannotSignalTheSandboxsInitThroughADescriptorsOwner(t *testing.T) {
	hold(t, claim{
		attack: `
	int target = atoi(argv[1]), ends[2];
	TRY(pipe(ends));
	TRY(fcntl(ends[0], F_SETOWN, target));
	TRY(fcntl(ends[0], F_SETSIG, SIGKILL));
	TRY(fcntl(ends[0], F_SETFL, O_ASYNC));
	TRY(write(ends[1], "x", 1));
	if (target == 1) held("we are alive, so init is");`,
		args: []string{bystander(t)}, inside: []string{"1"},
	})
}
