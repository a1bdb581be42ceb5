package escape

import "testing"

func TestCannotTakeControlOfAnotherProcess(t *testing.T) {
	hold(t, claim{
		attack: `TRY(ptrace(PTRACE_SEIZE, atoi(argv[1]), 0, 0));`,
		args:   []string{bystander(t)},
		events: []string{"ptrace"},
	})
}
