package lifecycle

import (
	"os/exec"
	"strings"
	"testing"
)

// A start that failed was told as the exit of the process, when PID 1 reaped it before it read why:
// "start: none: errno 0".
func TestAStartThatFailsIsToldEachTime(t *testing.T) {
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
