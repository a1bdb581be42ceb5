package escape

import "testing"

func TestCannotOpenADeviceOfTheHost(t *testing.T) {
	hold(t, claim{
		attack: `
	char *devices[] = {"/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/loop-control",
		"/dev/mapper/control", "/dev/console", "/dev/userfaultfd", "/dev/rtc0", NULL};
	for (char **d = devices; *d; d++)
		if (open(*d, O_RDONLY | O_NONBLOCK) >= 0) return;
	refused("open");`,
		needsRoot: true,
	})
}
