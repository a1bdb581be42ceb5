package monitor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

func TestAKillRuleRespondsExactlyOnce(t *testing.T) {
	for _, action := range []monitor.Action{monitor.Kill, monitor.Quarantine} {
		var got []monitor.Action
		rec, sink := recorder(t, monitor.Config{
			Rules: []policies.Rule{
				{ID: "debugger", When: `syscall in ["ptrace", "process_vm_readv"]`,
					Severity: "critical", Action: string(action)},
				{ID: "again", When: `true`, Action: "kill"},
			},
			Respond: func(a monitor.Action, _ monitor.Event) { got = append(got, a) },
		})
		for range 5 {
			rec.Record(refused("ptrace", "PTRACE_ATTACH", "1"))
			rec.Record(refused("process_vm_readv", "1"))
		}
		rec.Close(context.Background())
		if len(got) != 1 || got[0] != action {
			t.Fatalf("%s: responses %v", action, got)
		}
		if e := sink.lines[0]; e.Severity != monitor.Critical || e.Count != 1 {
			t.Errorf("%s: first line %+v", action, e)
		}
	}
}

func TestARuleForRefusedCallsSeesCallsOfAllTypes(t *testing.T) {
	var got []monitor.Event
	rec, _ := recorder(t, monitor.Config{
		Rules: []policies.Rule{{ID: "debugger",
			When:     `type == "syscall_blocked" && syscall in ["ptrace","process_vm_readv"]`,
			Severity: "high", Action: "kill"}},
		Respond: func(_ monitor.Action, e monitor.Event) { got = append(got, e) },
	})
	rec.Record(refused("ptrace", "PTRACE_ATTACH", "1"))
	if len(got) != 1 || got[0].Type != monitor.EscapeAttempt || got[0].Rule != "debugger" ||
		got[0].Action != "kill" {
		t.Errorf("responses %+v", got)
	}
}

func TestAKillRuleFiresBehindAFloodOfOtherEvents(t *testing.T) {
	killed := 0
	rec, _ := recorder(t, monitor.Config{
		Clock:   newClock().now,
		Rules:   []policies.Rule{{ID: "last", When: `syscall == "getpriority"`, Action: "kill"}},
		Respond: func(monitor.Action, monitor.Event) { killed++ },
	})
	for i := range 3000 {
		rec.Record(refused(fmt.Sprintf("call_%d", i)))
	}
	rec.Record(refused("getpriority", "0"))
	if len(find(rec.Events(), "last")) != 1 || killed != 1 {
		t.Errorf("killed %d times, events %v", killed, find(rec.Events(), "last"))
	}
}

func TestAnAlertMarksTheEventAndKeepsTheAction(t *testing.T) {
	alerts := 0
	rec, sink := recorder(t, monitor.Config{
		Rules: []policies.Rule{{ID: "often", When: `count >= 3 && call.tool == "fetch"`,
			Severity: "high"}},
		Respond: func(monitor.Action, monitor.Event) { alerts++ },
	})
	for range 9 {
		e := refused("getpriority", "0")
		e.Call = &monitor.Call{Tool: "fetch"}
		rec.Record(e)
	}
	e := rec.Events()[0]
	if alerts != 1 || e.Rule != "often" || e.Severity != monitor.High || e.Action != "EPERM" ||
		e.Count != 9 {
		t.Errorf("%d alerts, event %+v", alerts, e)
	}
	rec.Close(context.Background())
	if len(sink.lines) != 3 || sink.lines[1].Count != 3 { // first, changed by the rule, total
		t.Errorf("lines %+v", sink.lines)
	}
}

func TestRulesSeeLimits(t *testing.T) {
	killed := 0
	rec, _ := recorder(t, monitor.Config{
		Rules: []policies.Rule{{ID: "m", When: `limit == "pids" && observed >= value`,
			Action: "kill"}},
		Respond: func(monitor.Action, monitor.Event) { killed++ },
	})
	rec.Record(monitor.Event{Limit: &monitor.Limit{Name: "memory", Value: 1, Observed: 1}})
	rec.Record(monitor.Event{Limit: &monitor.Limit{Name: "pids", Value: 64, Observed: 64}})
	if killed != 1 {
		t.Errorf("killed %d times", killed)
	}
}

func TestABadRuleIsRefusedWithItsNamePlaceAndRemedy(t *testing.T) {
	for _, c := range []struct {
		rule policies.Rule
		want string
	}{
		{policies.Rule{ID: "a", When: `sycall == "x"`}, `rule "a": when:1:1: unknown name sycall`},
		{policies.Rule{ID: "a", When: "type == \"x\" &&\n  count == \"3\""},
			`rule "a": when:2:9: `},
		{policies.Rule{ID: "a", When: `count`}, `rule "a": when: expected bool`},
		{policies.Rule{ID: "a", When: `syscall matches "("`},
			`rule "a": when:1:9: error parsing regexp`},
		{policies.Rule{ID: "a", When: ``}, `rule "a": when:1:1: unexpected token EOF`},
		{policies.Rule{ID: "a", When: `true`, Action: "explode"},
			`rule "a": unknown action "explode"`},
		{policies.Rule{ID: "a", When: `true`, Severity: "dire"},
			`rule "a": unknown severity "dire"`},
		{policies.Rule{When: `true`}, `rule #1 has no id`},
	} {
		_, err := monitor.New(monitor.Config{Rules: []policies.Rule{c.rule}})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") || hint.Of(err) == "" {
			t.Errorf("%q: error %v, hint %q; want %q", c.rule.When, err, hint.Of(err), c.want)
		}
	}
}

func TestARuleThatFailsAtRunTimeIsReportedAndTheOthersStillWork(t *testing.T) {
	killed := 0
	rec, _ := recorder(t, monitor.Config{
		Rules: []policies.Rule{
			{ID: "short", When: `args[5] == "x"`},
			{ID: "kill", When: `syscall == "fork"`, Action: "kill"},
		},
		Respond: func(monitor.Action, monitor.Event) { killed++ },
	})
	rec.Record(refused("fork"))
	stats := rec.Close(context.Background())
	if killed != 1 || len(stats.Warnings) != 1 || !strings.Contains(stats.Warnings[0],
		`rule "short"`) {
		t.Errorf("killed %d times, warnings %q", killed, stats.Warnings)
	}
}
