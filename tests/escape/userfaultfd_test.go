package escape

import "testing"

func TestCannotHaltTheKernelAtAPageFault(t *testing.T) {
	hold(t, claim{
		attack:  `TRY(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY));`,
		mayLack: "ENOSYS",
		events:  []string{"userfaultfd"},
	})
}
