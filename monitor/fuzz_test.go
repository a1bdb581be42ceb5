package monitor_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/mcpbox/mcpbox/monitor"
)

// FuzzEventJSON: for any process name and arguments, an event is one bounded line of valid JSON,
// has nothing that moves a terminal's cursor, and does not change when it is read and written
// again.
func FuzzEventJSON(f *testing.F) {
	f.Add("python3", "PTRACE_ATTACH", "/proc/1/root", "read_note")
	f.Add("\x1b[2J\r\n\x00\xff", "\"}\n{\"type\":\"x\"}",
		strings.Repeat("../", 2000), "\u202e\u2028")
	f.Add(strings.Repeat(`\`, 5000), strings.Repeat(`"`, 5000),
		strings.Repeat("\xff", 5000), strings.Repeat("😀", 5000))
	f.Add("<&>", "…", "\ufffd\xbf", strings.Repeat("\U000e0001", 500))
	f.Fuzz(func(t *testing.T, comm, arg, path, tool string) {
		args := []string{arg, path, arg, path, arg, path, arg, path, arg, path}
		e := monitor.Classify(monitor.Event{
			Comm: comm, PID: 7, Action: "EPERM", Count: 1,
			Syscall: &monitor.Syscall{Name: arg, Arch: comm, Args: args, Paths: args},
			Limit:   &monitor.Limit{Name: arg, Backend: path},
			Call: &monitor.Call{Server: tool, Request: arg, Tool: tool,
				Ambiguous: append(args, args...)},
		})
		line, err := e.Line()
		if err != nil {
			t.Fatal(err)
		}
		if len(line) > monitor.MaxLine || bytes.Count(line, []byte("\n")) != 1 ||
			line[len(line)-1] != '\n' {
			t.Fatalf("%d bytes, %d newlines", len(line), bytes.Count(line, []byte("\n")))
		}
		for _, r := range strings.TrimSuffix(string(line), "\n") + e.Summary() + e.Row() {
			if !unicode.IsPrint(r) {
				t.Fatalf("%U in the line", r)
			}
		}
		var back monitor.Event
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatal(err)
		}
		again, err := back.Line()
		if err != nil || !bytes.Equal(line, again) {
			t.Fatalf("not stable:\n%s%s", line, again)
		}
	})
}
