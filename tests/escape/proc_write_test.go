package escape

import "testing"

// Bare the file is only opened, never written.
func TestCannotOpenTheSwitchesOfTheKernelForWriting(t *testing.T) {
	for _, path := range []string{
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches",
		"/proc/sys/kernel/hostname",
		"/proc/sysrq-trigger", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state",
		"/proc/irq/default_smp_affinity",
	} {
		t.Run(path, func(t *testing.T) {
			hold(t, claim{
				attack: `TRY(open(argv[1], O_WRONLY));`, args: []string{path},
				needsRoot: true, mayLack: "ENOENT",
				events: []string{"openat"}, silent: []string{"basic", "standard", "strict"},
			})
		})
	}
}
