package lifecycle

import (
	"os/exec"
	"strings"
	"testing"
)

// A failed start is always reported with its reason, even if PID 1 reaps the process before it
// reads the reason.
func TestAFailedStartIsAlwaysReported(t *testing.T) {
	box(t, "")
	for range 100 {
		out, _ := exec.Command(binary, "run", "-q", "--dir", "/nowhere", "--",
			"true").CombinedOutput()
		if !strings.HasPrefix(string(out),
			"mcpbox: working directory /nowhere: no such file or directory\n") {
			t.Fatalf("it said %q", out)
		}
	}
}
