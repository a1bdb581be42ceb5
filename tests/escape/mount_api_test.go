package escape

import "testing"

// CVE-2022-0185 was in fsconfig, reached from a user namespace.
func TestCannotUseTheNewMountCalls(t *testing.T) {
	calls := map[string]string{
		"fsopen":        `TRY(syscall(SYS_fsopen, "tmpfs", 0));`,
		"fsconfig":      `TRY(syscall(SYS_fsconfig, syscall(SYS_fsopen, "tmpfs", 0), 0, "ro", NULL, 0));`,
		"fspick":        `TRY(syscall(SYS_fspick, AT_FDCWD, "/", 0));`,
		"open_tree":     `TRY(syscall(SYS_open_tree, AT_FDCWD, "/", 0x8001)); // OPEN_TREE_CLONE, AT_RECURSIVE`,
		"mount_setattr": `uint64_t attr[4] = {0}; TRY(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, attr, sizeof attr));`,
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			hold(t, claim{attack: ownNamespace + call, events: []string{name, "unshare"}})
		})
	}
}

func TestCannotMoveAMount(t *testing.T) {
	dir, _ := writableDir(t)
	hold(t, claim{
		attack: ownNamespace + `
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	int tree = syscall(SYS_open_tree, AT_FDCWD, argv[1], 1);
	TRY(syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[1], 4));`,
		args: []string{dir}, inside: []string{"/tmp"},
		events: []string{"move_mount", "open_tree", "mount", "unshare"},
	})
}
