package escape

import "testing"

// A signal that the tool sends itself is not a limit that was reached, and an exit code that it
// chooses is not mcpbox's.
func TestCannotPretendThatALimitEndedIt(t *testing.T) {
	t.Parallel()
	c := claim{}
	dir := compile(t,
		`if (atoi(argv[1]) < 0) kill(getpid(), -atoi(argv[1])); _exit(atoi(argv[1]));`)
	for _, end := range []struct {
		how, preset, status string
		code                int
	}{
		{"-25", "basic", "signaled", 128 + 25},    // SIGXFSZ, no limit of file sizes
		{"-24", "basic", "signaled", 128 + 24},    // SIGXCPU, no limit of time
		{"-24", "standard", "signaled", 128 + 24}, // the same
		{"-31", "standard", "signaled", 128 + 31}, // SIGSYS: our filters never send it
		{"-9", "standard", "signaled", 128 + 9},
		{"124", "standard", "failed", 124}, {"125", "standard", "failed", 125},
		{"137", "standard", "failed", 137},
	} {
		t.Run(end.preset+" "+end.how, func(t *testing.T) {
			r := runMcpbox(t, &c, []string{"--policy", end.preset, "--mount", dir + ":/attack:ro"},
				[]string{"/attack/attack", end.how})
			if r.Status != end.status || r.code != end.code {
				t.Errorf("HOLE: status %q, exit code %d; want %q, "+
					"%d", r.Status, r.code, end.status, end.code)
			}
			for _, e := range r.events {
				if e.Limit != nil {
					t.Errorf("HOLE: an event about the limit %s, which was not "+
						"reached", e.Limit.Name)
				}
			}
		})
	}
}
