package lifecycle

import (
	"os/exec"
	"testing"
)

// A call that the kernel passes to the supervisor first can be interrupted by a signal. Fork never
// is: dash, whose SIGCHLD handler has no SA_RESTART, ended up to half of these with "Cannot fork".
func TestAShellsPipelineAlwaysForks(t *testing.T) {
	t.Parallel()
	box(t, "")
	for range 30 {
		out, err := exec.Command(binary, "run", "-q", "--", "sh", "-c",
			"for i in 1 2 3 4 5 6 7 8; do : | :; done; echo hi | cat").CombinedOutput()
		if err != nil || string(out) != "hi\n" {
			t.Fatalf("%q, %v", out, err)
		}
	}
}
