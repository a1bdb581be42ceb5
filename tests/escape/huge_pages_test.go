package escape

import "testing"

// Huge pages are reserved by the host's administrator, a database's say. They count in no memory
// limit, and whoever has taken one keeps it.
func TestCannotTakeTheHostsHugePages(t *testing.T) {
	for name, call := range map[string]string{
		"mmap": "mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | " +
			"MAP_HUGETLB, -1, 0) == MAP_FAILED ? -1 : 0",
		"memfd_create": "syscall(SYS_memfd_create, \"x\", 4)",
		"shmget": "({ int id = shmget(IPC_PRIVATE, 2 << 20, 04000 | 0600); " +
			"if (id >= 0) shmctl(id, IPC_RMID, NULL); id; })",
	} {
		t.Run(name, func(t *testing.T) {
			hold(t, claim{
				// Without a reserved page the kernel says ENOMEM, and EPERM is ours.
				attack: `errno = 0; int r = ` + call +
					`; if (r < 0 && (errno == ENOMEM || errno == ENOSYS || errno == EINVAL)) r = 0; if (r < 0 && errno != EPERM) r = 0; TRY(r);`,
				events: []string{name}, needsRoot: name == "shmget",
			})
		})
	}
}
