package escape

import "testing"

// CVE-2022-0492: the release_agent of a cgroup v1 mount runs as the host's root. Bare, root gets as
// far as reading the paths.
func TestCannotMountACgroupForItsReleaseAgent(t *testing.T) {
	hold(t, claim{
		attack: `unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP); TRY(syscall(SYS_mount, "cgroup", NULL, "cgroup", 0, "rdma"));`,
		bare:   "EFAULT",
		events: []string{"unshare", "mount"},
	})
}

func TestCannotWriteAReleaseAgent(t *testing.T) {
	hold(t, claim{
		attack: `
	char *agents[] = {"/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/cpu/release_agent", "/sys/fs/cgroup/pids/release_agent",
		"/sys/fs/cgroup/systemd/release_agent", "/sys/fs/cgroup/cgroup.procs", NULL};
	for (char **a = agents; *a; a++)
		if (open(*a, O_WRONLY) >= 0) return;
	refused("open");`,
		needsRoot: true, mayLack: "ENOENT",
	})
}
