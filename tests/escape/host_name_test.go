package escape

import "testing"

func TestCannotRenameTheHost(t *testing.T) {
	hold(t, claim{
		attack: `
	unshare(CLONE_NEWUSER | CLONE_NEWUTS);
	TRY(sethostname("owned", 5));`,
		events: []string{"sethostname", "unshare"},
	})
}
