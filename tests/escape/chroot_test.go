package escape

import "testing"

func TestCannotLeaveItsRootByChroot(t *testing.T) {
	dir, _ := writableDir(t)
	hold(t, claim{
		attack: ownNamespace + `TRY(chroot(argv[1]));`,
		args:   []string{dir}, inside: []string{"/tmp"},
		events: []string{"chroot", "unshare"},
	})
}
