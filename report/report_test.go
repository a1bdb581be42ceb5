package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/report"
)

func judged(events []monitor.Event, change func(*report.View)) report.Report {
	v := report.View{
		ID: "k3v9", Policy: "standard", Status: "ok", Events: events,
		Limits: map[string]report.LimitView{"memory": {Value: 512 << 20, Backend: "cgroup2"}},
		Layers: map[policies.Layer]string{policies.LayerSeccomp: "enforced",
			policies.LayerLandlock: "enforced"},
	}
	for i := range v.Events {
		v.Stats.Seen += uint64(v.Events[i].Count)
	}
	v.Stats.Reported = v.Stats.Seen
	if change != nil {
		change(&v)
	}
	return report.New(v)
}

// refused is a refused call; of its registers only those count that tell calls apart.
func refused(name string, args ...string) monitor.Event {
	s := &monitor.Syscall{Name: name, Args: args}
	if len(args) > 0 {
		s.Raw[0] = map[string]uint64{"PTRACE_ATTACH": unix.PTRACE_ATTACH,
			"AF_INET": unix.AF_INET, "AF_PACKET": unix.AF_PACKET}[args[0]]
	}
	return monitor.Event{Syscall: s, Action: "EPERM"}
}

func event(id string, count int, e monitor.Event) monitor.Event {
	e = monitor.Classify(e)
	e.ID, e.Count = id, count
	return e
}

func TestTheRiskIsThatOfTheWorstReason(t *testing.T) {
	for _, c := range []struct {
		claim  string
		events []monitor.Event
		change func(*report.View)
		want   monitor.Severity
	}{
		{"nothing happened", nil, nil, monitor.Low},
		{"a probe", []monitor.Event{event("A", 1, refused("io_uring_setup"))}, nil, monitor.Low},
		{"a refused call", []monitor.Event{event("A", 1, refused("getpriority"))}, nil,
			monitor.Medium},
		{"an escape attempt after it", []monitor.Event{event("A", 1, refused("getpriority")),
			event("B", 1, refused("setns"))}, nil, monitor.High},
		{"the worst kind", []monitor.Event{event("A", 1, refused("kexec_load"))}, nil,
			monitor.Critical},
		{"no Landlock on this kernel", nil,
			func(v *report.View) { v.Layers[policies.LayerLandlock] = "absent" },
			monitor.Medium},
		{"no filter", nil,
			func(v *report.View) { v.Layers[policies.LayerSeccomp] = "absent" },
			monitor.High},
		{"no filter, as the policy says", nil,
			func(v *report.View) { v.Layers[policies.LayerSeccomp] = "off" }, monitor.High},
		{"the host's network, as the policy says", nil,
			func(v *report.View) { v.Layers[policies.LayerNetworkNamespace] = "off" },
			monitor.Low},
		{"a limit that nothing enforces", nil,
			func(v *report.View) {
				v.Limits["cpus"] = report.LimitView{Value: 500,
					Backend: "none"}
			}, monitor.Medium},
		{"events were dropped", nil, func(v *report.View) {
			v.Stats.Seen,
				v.Stats.Dropped = 10, 9
		}, monitor.High},
		{"lines were lost", nil, func(v *report.View) { v.Stats.LinesLost = 1 },
			monitor.Medium},
	} {
		got := judged(c.events, c.change)
		if got.Risk != c.want {
			t.Errorf("%s: risk %s, want %s (%+v)", c.claim, got.Risk, c.want, got.Reasons)
		}
		if got.Risk != monitor.Low && (len(got.Reasons) == 0 || got.Reasons[0].Risk != got.Risk) {
			t.Errorf("%s: the risk has no reason: %+v", c.claim, got.Reasons)
		}
	}
}

func TestEveryEventIsNamedByARecommendation(t *testing.T) {
	events := []monitor.Event{
		event("A", 1, refused("setns")), event("B", 3, refused("getpriority")), event("C", 1,
			refused("socket", "AF_INET")), event("F", 1, refused("socket",
			"AF_PACKET")), event("G", 1, refused("syscall_999")),
		event("D", 1, monitor.Event{Limit: &monitor.Limit{Name: "memory", Value: 1 << 28}}),
		event("E", 1, monitor.Event{Type: monitor.SuspiciousBehavior, Rule: "builtin:pid-scan",
			Reason: "x"}),
	}
	named := map[string]bool{}
	for _, r := range judged(events, nil).Recommendations {
		for _, id := range r.Events {
			named[id] = true
		}
	}
	if len(named) != len(events) {
		t.Errorf("recommendations name %v of %d events", named, len(events))
	}
}

func TestTheReportReadsLikeThis(t *testing.T) {
	events := []monitor.Event{
		event("01A", 3, refused("getpriority", "0")),
		event("01B", 1, refused("ptrace", "PTRACE_ATTACH", "1")),
		event("01C", 1, refused("ptrace", "PTRACE_ATTACH", "1")),
		event("01D", 1, monitor.Event{Limit: &monitor.Limit{Name: "memory", Value: 256 << 20}}),
	}
	var out bytes.Buffer
	if err := judged(events, nil).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	const want = `risk: high   sandbox: k3v9   policy: standard   status: ok
events: 4 different, 6 in all

why
  high      escape attempt: ptrace: tried to take control of another process [01B, 01C]
  medium    syscall blocked: getpriority: the policy does not allow this call [01A]
  medium    resource limit exceeded: reached the memory limit: 256MiB [01D]

what to do
  - find out why the tool did this before you run it again [01B, 01C]
  - if the tool is meant to do this, allow it: syscalls.allow: [getpriority] [01A]
  - if the tool is meant to do this, raise it with --memory or limits.memory [01D]
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestAReportOfAHostileResultKeepsTheTerminalWhole(t *testing.T) {
	const evil = "\x1b]0;owned\a\u202e"
	var v report.View
	data, _ := json.Marshal(map[string]any{
		"status": evil, "execution_id": evil, "policy": evil,
		"layers": map[string]string{evil: evil},
		"limits": map[string]any{evil: map[string]any{"value": 1}},
		"security_events": []map[string]any{{"id": evil, "type": evil, "severity": evil,
			"reason": evil, "hint": evil, "syscall": map[string]any{"name": evil,
				"args": []string{evil}}}},
		"event_stats": map[string]any{"warnings": []string{evil}},
	})
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.New(v).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\a\u202e") {
		t.Errorf("%q", out.String())
	}
}

func TestAnEventLogMakesAReport(t *testing.T) {
	path := t.TempDir() + "/events.jsonl"
	sink, err := monitor.OpenJSONL(path)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := monitor.New(monitor.Config{Sandbox: "k3v9", Policy: "standard",
		Sinks: []monitor.Sink{sink}})
	if err != nil {
		t.Fatal(err)
	}
	rec.Record(refused("kexec_load"))
	rec.Close(t.Context())
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, _, err := monitor.ReadEvents(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.New(report.ViewOf(events)); got.Risk != monitor.Critical ||
		got.ID != "k3v9" || got.Stats.Seen != 1 {
		t.Errorf("%+v", got)
	}
}
