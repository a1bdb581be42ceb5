package escape

import "testing"

func TestCannotReadTheMemoryAndAddressesOfTheKernel(t *testing.T) {
	for _, path := range []string{"/proc/kcore", "/proc/kallsyms", "/proc/kmsg", "/proc/timer_list",
		"/proc/kpagecount", "/proc/slabinfo",
		"/proc/cmdline", "/proc/config.gz", "/proc/diskstats", "/proc/interrupts", "/proc/locks"} {
		t.Run(path, func(t *testing.T) {
			hold(t, claim{
				attack: `
	char byte;
	int fd = TRY(open(argv[1], O_RDONLY | O_NONBLOCK));
	if (read(fd, &byte, 1) == 0) held("it is empty");
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode)) held("it is a device, /dev/null");`,
				args: []string{path}, needsRoot: true, mayLack: "ENOENT",
			})
		})
	}
}

func TestCannotTellWhichBootOfWhichMachineThisIs(t *testing.T) {
	hold(t, claim{
		attack: `
	char id[64] = "";
	int fd = TRY(open("/proc/sys/kernel/random/boot_id", O_RDONLY));
	read(fd, id, sizeof id - 1);
	if (!strncmp(id, "00000000-", 9)) held("it is nobody's");`,
	})
}
