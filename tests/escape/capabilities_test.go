package escape

import "testing"

func TestCannotRegainCapabilities(t *testing.T) {
	hold(t, claim{
		attack: `
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{1 << CAP_SYS_ADMIN, 1 << CAP_SYS_ADMIN, 0}};
	TRY(syscall(SYS_capset, &h, d));`,
		needsRoot: true,
		events:    []string{"capset"}, silent: []string{"basic", "standard"},
		// the kernel: there is nothing to raise from
	})
}

func TestCannotRaiseAnAmbientCapability(t *testing.T) {
	hold(t, claim{
		attack: `
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{1 << CAP_CHOWN, 1 << CAP_CHOWN, 1 << CAP_CHOWN}};
	syscall(SYS_capset, &h, d);
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));`,
		needsRoot: true,
		events:    []string{"prctl", "capset"}, silent: []string{"basic"},
	})
}

func TestCannotClearNoNewPrivileges(t *testing.T) {
	hold(t, claim{
		attack: `TRY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));`,
		bare:   "EINVAL", // nobody can
		events: []string{"prctl"}, silent: []string{"basic", "standard"},
	})
}
