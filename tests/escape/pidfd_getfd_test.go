package escape

import "testing"

func TestCannotTakeADescriptorOutOfAnotherProcess(t *testing.T) {
	hold(t, claim{
		attack: `
	int pidfd = TRY(syscall(SYS_pidfd_open, getpid(), 0));
	TRY(syscall(SYS_pidfd_getfd, pidfd, 1, 0));`,
		events: []string{"pidfd_getfd", "pidfd_open"},
	})
}
