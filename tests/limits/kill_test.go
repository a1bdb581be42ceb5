package limits

import (
	"testing"

	"github.com/mcpbox/mcpbox/runtime"
)

func TestATimeoutEndsFiveHundredProcesses(t *testing.T) {
	requireSandbox(t)
	was := adopt(t)
	// The parent ignores signals and says when all are there.
	o := run(t, "--pids", "600", "--timeout", "10s", "--", "perl", "-e",
		`$SIG{TERM} = $SIG{HUP} = "IGNORE"; for (1..500) { my $p = fork; defined $p or die "fork $_: $!\n"; sleep 1000 unless $p } $| = 1; print "all\n"; sleep 1000`)
	if o.stdout != "all\n" {
		t.Fatalf("not all started: %q\n%s", o.stdout, o.stderr)
	}
	if o.Status != runtime.StatusTimeout || o.ExitCode != 124 || o.Events[len(o.Events)-1].Type != "timeout_exceeded" {
		t.Errorf("status %s, exit code %d, events %+v", o.Status, o.ExitCode, o.Events)
	}
	if o.ProcessesPeak != 501 {
		t.Errorf("processes_peak %d, 501 ran at once", o.ProcessesPeak)
	}
	was.nothingNew(t)
}
