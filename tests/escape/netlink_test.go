package escape

import "testing"

// Bare in a network namespace of its own.
func TestCannotConfigureTheNetwork(t *testing.T) {
	hold(t, claim{
		attack: `
	unshare(CLONE_NEWUSER | CLONE_NEWNET);
	struct ifreq { char name[16]; short flags; char rest[22]; } lo = {"lo", 0};
	int fd = TRY(socket(AF_INET, SOCK_DGRAM, 0));
	TRY(ioctl(fd, 0x8914, &lo)); // SIOCSIFFLAGS`,
		events: []string{"unshare"},
	})
}

func TestCannotListenToTheKernelsDeviceEvents(t *testing.T) {
	hold(t, claim{
		attack:  `TRY(socket(AF_NETLINK, SOCK_RAW, 15));`, // NETLINK_KOBJECT_UEVENT
		presets: without("basic"),                         // of the host's network by design
		events:  []string{"socket"},
	})
}
