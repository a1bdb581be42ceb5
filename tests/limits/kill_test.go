package limits

import (
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/runtime"
)

func TestATimeoutEndsFiveHundredProcesses(t *testing.T) {
	requireSandbox(t)
	was := adopt(t)
	timeout := "5s"
	if testhost.Promised("cgroup2") {
		timeout = "20s" // an emulated CPU forks slowly
	}
	// The processes ignore every signal that can be ignored. The parent prints a line when all have
	// started.
	o := run(t, "--pids", "600", "--cpus", "2", "--timeout", timeout, "--", "sh", "-c",
		`trap "" TERM HUP INT; mkfifo /tmp/p; exec 3<>/tmp/p; i=0; while [ $i -lt 500 ]; do (read x <&3) & i=$((i+1)); done; echo all; read x <&3`)
	if o.stdout != "all\n" {
		t.Fatalf("not all started: %q\n%s", o.stdout, o.stderr)
	}
	if o.Status != runtime.StatusTimeout || o.ExitCode != 124 ||
		o.Events[len(o.Events)-1].Type != "timeout_exceeded" {
		t.Errorf("status %s, exit code %d, events %+v", o.Status, o.ExitCode, o.Events)
	}
	if o.ProcessesPeak != 501 {
		t.Errorf("processes_peak %d, 501 ran at once", o.ProcessesPeak)
	}
	was.nothingNew(t)
}
