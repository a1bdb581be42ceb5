package escape

import "testing"

func TestCallsNewerThanTheTablesAreRefusedAndReported(t *testing.T) {
	hold(t, claim{
		attack: `TRY(syscall(999));`,
		bare:   "ENOSYS",
		events: []string{"syscall_999"},
	})
}
