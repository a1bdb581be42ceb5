package escape

import "testing"

func TestCannotCompareTheKernelObjectsOfProcesses(t *testing.T) {
	hold(t, claim{
		attack:  `TRY(syscall(SYS_kcmp, getpid(), getpid(), 2, 0, 0));`,
		mayLack: "ENOSYS",
		events:  []string{"kcmp"},
	})
}
