package escape

import "testing"

func TestCannotBecomeRoot(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_setresuid, 0, 0, 0));`,
		needsRoot: true,
		events:    []string{"setresuid"}, silent: []string{"basic", "standard"},
		// there is no uid 0 to become
	})
}

func TestCannotBecomeAnotherUser(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(syscall(SYS_setresgid, 12, 12, 12)); TRY(syscall(SYS_setresuid, 34, 34, 34));`,
		needsRoot: true,
		events:    []string{"setresgid"}, silent: []string{"basic", "standard"},
	})
}

func TestCannotTakeAnotherGroup(t *testing.T) {
	hold(t, claim{
		attack:    `gid_t disk = 6; TRY(syscall(SYS_setgroups, 1, &disk));`,
		needsRoot: true,
		events:    []string{"setgroups"}, silent: []string{"basic", "standard"},
	})
}
