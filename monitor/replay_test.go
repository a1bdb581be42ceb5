package monitor_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

func TestReplayCountsHitsAgainstLabels(t *testing.T) {
	var log strings.Builder
	at := time.Unix(1_800_000_000, 0).UTC()
	line := func(box, id, syscall, label string, count, second int) {
		e := struct {
			monitor.Event
			Label string `json:"label,omitempty"`
		}{monitor.Event{ID: id, Sandbox: box, Type: monitor.SyscallBlocked, Severity: monitor.Low,
			Time: at.Add(time.Duration(second) * time.Second), Count: count,
			Syscall: &monitor.Syscall{Name: syscall}}, label}
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&log, string(data))
	}
	line("bad", "1", "ptrace", monitor.Malicious, 1, 0)
	line("bad", "2", "mount", monitor.Malicious, 1, 1)
	line("bad", "2", "mount", monitor.Malicious, 5, 2) // the same event, again
	line("good", "3", "ptrace", monitor.Benign, 1, 3)
	line("quiet", "4", "getpriority", monitor.Benign, 2, 4)
	line("slow", "5", "mount", monitor.Malicious, 1, 5)
	line("slow", "6", "mount", monitor.Malicious, 1, 100)
	log.WriteString("not an event\n")
	got, err := monitor.Replay([]policies.Rule{
		{ID: "debugger", When: `syscall == "ptrace"`},
		{ID: "mounts", When: `syscall == "mount"`, Count: 5,
			Within: policies.Duration(10 * time.Second)},
		{ID: "memory", When: "usage.memory > 1"},
	}, strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := json.Marshal(got)
	want := `{"events":6,"bad_lines":1,"rules":[` +
		`{"id":"debugger","hits":2,"malicious":1,"benign":1,"unlabelled":0},` +
		`{"id":"mounts","hits":1,"malicious":1,"benign":0,"unlabelled":0},` +
		`{"id":"memory","hits":0,"malicious":0,"benign":0,"unlabelled":0,` +
		`"skipped":"event logs have no usage and no changes of files"}],` +
		`"malicious_sandboxes_caught":1,"malicious_sandboxes_missed":1,` +
		`"benign_sandboxes_caught":1,"benign_sandboxes_left_alone":1,"precision":0.5,"recall":0.5}`
	if string(data) != want {
		t.Errorf("got\n%s\nwant\n%s", data, want)
	}
	if _, err := monitor.Replay(nil, strings.NewReader(
		`{"type":"syscall_blocked","label":"odd"}`)); err == nil {
		t.Error("an unknown label was taken")
	}
}
