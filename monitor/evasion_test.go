package monitor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Rules see each event before it is folded and cut for the log. Folding and cutting must not hide
// an event from a rule.
func TestNoEventCanHideAnotherOneFromARule(t *testing.T) {
	long := "/" + strings.Repeat("a/", 500) + "secret"
	by := func(comm string, e monitor.Event) monitor.Event { e.Comm = comm; return e }
	for name, c := range map[string]struct {
		when   string
		events []monitor.Event
		shows  string // of the event that met the rule
	}{
		"another number": {`syscall == "ptrace" && args[1] == "1"`, []monitor.Event{
			refused("ptrace", "PTRACE_ATTACH", "9999", "0x0", "0x0"),
			refused("ptrace", "PTRACE_ATTACH", "1", "0x0", "0x0")}, "1"},
		"a long path": {`any(paths, # endsWith "/secret")`, []monitor.Event{
			refusedPath("mkdir", long)}, ""},
		"a long argument": {`args[0] endsWith "/secret"`, []monitor.Event{
			refused("mkdir", long)}, ""},
		"another name": {`comm == "evil"`, []monitor.Event{
			by("good", refused("mkdir", "7")), by("evil", refused("mkdir", "7"))}, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			var killed []monitor.Event
			rec, err := monitor.New(monitor.Config{
				Rules: []policies.Rule{{ID: "r", When: c.when, Severity: "critical",
					Action: "kill"}},
				Respond: func(_ monitor.Action, e monitor.Event) {
					killed = append(killed, e)
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range c.events {
				rec.Record(e)
			}
			if len(killed) != 1 || killed[0].Rule != "r" {
				t.Fatalf("responses: %+v", killed)
			}
			args := killed[0].Syscall.Args
			if c.shows != "" && args[min(1, len(args)-1)] != c.shows {
				t.Errorf("the event shows %v", args)
			}
			for _, e := range rec.Events() {
				for _, text := range append(e.Syscall.Args, e.Syscall.Paths...) {
					if len(text) > 300 {
						t.Errorf("the log has a text of %d bytes", len(text))
					}
				}
			}
			s := rec.Close(context.Background())
			if s.Seen != s.Reported || s.Seen != uint64(len(c.events)) {
				t.Errorf("%+v", s)
			}
		})
	}
}
