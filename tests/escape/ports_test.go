package escape

import "testing"

func TestCannotReachTheHardwareByPorts(t *testing.T) {
	hold(t, claim{attack: `TRY(syscall(SYS_ioperm, 0x80, 1, 1));`, needsRoot: true,
		mayLack: "ENOSYS", events: []string{"ioperm"}})
}
