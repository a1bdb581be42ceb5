package monitor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// told records the actions of the rules, as "action rule".
func told(cfg monitor.Config, rules ...policies.Rule) (monitor.Config, *[]string) {
	var got []string
	cfg.Rules = rules
	cfg.Respond = func(a monitor.Action, e monitor.Event) {
		got = append(got, string(a)+" "+e.Rule)
	}
	return cfg, &got
}

func TestARuleCountsEventsWithinATime(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	cfg, got := told(monitor.Config{Clock: func() time.Time { return now }},
		policies.Rule{ID: "three", Name: "too much", When: "refused", Count: 3,
			Within: policies.Duration(10 * time.Second), Severity: "high", Action: "kill"})
	rec, sink := recorder(t, cfg)
	for range 4 { // too slow
		rec.Record(refused("getpriority"))
		now = now.Add(6 * time.Second)
	}
	if len(*got) != 0 {
		t.Fatalf("asked for %v", *got)
	}
	now = now.Add(time.Minute)
	for range 3 {
		rec.Record(refused("mount", "a"))
		now = now.Add(4 * time.Second)
	}
	rec.Close(context.Background())
	if fmt.Sprint(*got) != "[kill three]" {
		t.Errorf("asked for %v", *got)
	}
	for _, e := range sink.lines {
		if e.Rule == "three" {
			if e.Reason != "too much: 3 events within 10s" || e.Severity != monitor.High ||
				e.Action != "kill" || e.Type != monitor.SuspiciousBehavior {
				t.Errorf("%+v", e)
			}
			return
		}
	}
	t.Error("the rule has no event of its own")
}

func TestOneEventWithACountCountsAsMany(t *testing.T) {
	cfg, got := told(monitor.Config{}, policies.Rule{ID: "many", When: `syscall == "mount"`,
		Count: 5, Within: policies.Duration(time.Second)})
	rec, _ := recorder(t, cfg)
	e := refused("mount", "a")
	e.Count = 5
	rec.Record(e)
	if fmt.Sprint(*got) != "[alert many]" {
		t.Errorf("asked for %v", *got)
	}
}

func TestARuleAboutUsageMustHoldLongEnough(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	cfg, got := told(monitor.Config{Clock: func() time.Time { return now }},
		policies.Rule{ID: "memory", When: "usage.memory_percent > 90",
			For: policies.Duration(5 * time.Second), Action: "quarantine"})
	rec, _ := recorder(t, cfg)
	if !rec.NeedsUsage() || rec.NeedsFiles() {
		t.Error("the recorder does not know what its rules are about")
	}
	at := func(percent float64, times int) {
		for range times {
			rec.Usage(monitor.Usage{MemoryPercent: percent})
			now = now.Add(time.Second)
		}
	}
	at(95, 4)
	at(50, 1)
	at(95, 5)
	if len(*got) != 0 {
		t.Fatalf("asked for %v", *got)
	}
	at(95, 3)
	if fmt.Sprint(*got) != "[quarantine memory]" {
		t.Errorf("asked for %v", *got)
	}
}

func TestExceptionsOfARule(t *testing.T) {
	cfg, got := told(monitor.Config{},
		policies.Rule{ID: "a", When: `refused`, Except: []string{`comm == "node"`}},
		policies.Rule{ID: "b", When: `refused`, Except: []string{`policy == "standard"`}})
	rec, _ := recorder(t, cfg)
	e := refused("mount", "x")
	e.Comm = "node"
	rec.Record(e)
	if len(*got) != 0 {
		t.Errorf("asked for %v", *got)
	}
	e.Comm = "sh"
	rec.Record(e)
	if fmt.Sprint(*got) != "[alert a]" {
		t.Errorf("asked for %v", *got)
	}
}

func TestRulesAboutFiles(t *testing.T) {
	cfg, got := told(monitor.Config{}, policies.Rule{ID: "keys",
		When: `file.op == "removed" && file.path startsWith "/work/"`, Count: 3,
		Within: policies.Duration(time.Minute), Action: "kill"})
	rec, sink := recorder(t, cfg)
	rec.File(monitor.File{Op: "made", Path: "/work/.git/hooks/pre-commit", Kind: "hook"})
	for i := range 3 {
		rec.File(monitor.File{Op: "removed", Path: fmt.Sprint("/work/", i)})
	}
	for i := range 500 {
		rec.File(monitor.File{Op: "made", Path: fmt.Sprint("/data/", i)})
	}
	rec.Close(context.Background())
	if fmt.Sprint(*got) != "[kill keys]" {
		t.Errorf("asked for %v", *got)
	}
	seen := map[string]bool{}
	for _, e := range sink.lines {
		seen[e.Rule] = true
	}
	if !seen["builtin:file-hook"] || !seen["builtin:file-burst"] {
		t.Errorf("events of %v", seen)
	}
}

func TestScansOfTheNetwork(t *testing.T) {
	event := func(name, address string, port int) monitor.Event {
		return monitor.Event{Type: monitor.PermissionDenied,
			Network: &monitor.Endpoint{Name: name, Address: address, Port: port}}
	}
	for want, at := range map[string]func(i int) monitor.Event{
		"builtin:name-scan": func(i int) monitor.Event { return event(fmt.Sprint("h", i), "", 0) },
		"builtin:port-scan": func(i int) monitor.Event { return event("", "192.0.2.1", 1+i) },
		"builtin:host-scan": func(i int) monitor.Event {
			return event("", fmt.Sprint("192.0.2.", i), 443)
		},
	} {
		rec, sink := recorder(t, monitor.Config{})
		for i := range 30 {
			rec.Record(at(i))
		}
		rec.Close(context.Background())
		found := false
		for _, e := range sink.lines {
			if strings.HasSuffix(e.Rule, "-scan") {
				found = found || e.Rule == want
				if e.Rule != want {
					t.Errorf("%s for %s", e.Rule, want)
				}
			}
		}
		if !found {
			t.Errorf("no %s", want)
		}
	}
}

func TestRulesThatMixKindsOfDataAreRefused(t *testing.T) {
	for _, r := range []policies.Rule{
		{ID: "a", When: `usage.memory > 1 && syscall == "mount"`},
		{ID: "b", When: `file.op == "made" && usage.pids > 1`},
		{ID: "c", When: `syscall == "mount"`, For: policies.Duration(time.Second)},
		{ID: "d", When: `usage.pids > 1`, Count: 2, Within: policies.Duration(time.Second)},
		{ID: "e", When: `true`, Except: []string{`usage.pids > 1 && syscall == ""`}},
		{ID: "f", When: `usage.nothing > 1`},
	} {
		if err := monitor.CheckRules([]policies.Rule{r}); err == nil {
			t.Errorf("rule %s was taken", r.ID)
		}
	}
}
