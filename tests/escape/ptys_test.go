package escape

import "testing"

// All sandboxes of a host have about 3000 ptys together: one that takes them all leaves the others
// without terminals.
func TestCannotUseUpThePtysOfAllSandboxes(t *testing.T) {
	hold(t, claim{
		attack: `
	struct rlimit files = {600, 600};
	setrlimit(RLIMIT_NOFILE, &files);
	int n = 0;
	while (n < 200 && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0) n++;
	char text[64];
	snprintf(text, sizeof text, "%d ptys are no more than a share", n);
	if (n < 200) held(text);`,
		presets: without("maximum"), // where nothing is opened for writing
	})
}
