package escape

import "testing"

// Bare in a user namespace of its own, as whose root it may enter it again.
func TestCannotEnterANamespace(t *testing.T) {
	hold(t, claim{
		attack: `
	unshare(CLONE_NEWUSER | CLONE_NEWUTS);
	int fd = open("/proc/self/ns/uts", O_RDONLY);
	TRY(setns(fd, 0));`,
		events: []string{"setns", "unshare"},
	})
}
