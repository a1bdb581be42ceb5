package escape

import (
	"os"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// attempts are what the first table of SECURITY.md is about, each as a program of a sandbox.
var attempts = map[string]string{
	"read files of the host":          `cat /etc/shadow /root/.profile`,
	"write files of the host":         `touch /usr/bin/x /etc/x`,
	"connect over the network":        python(`socket.create_connection(("127.0.0.1", 9))`),
	"open a rare kind of socket":      python(`socket.socket(socket.AF_PACKET, socket.SOCK_RAW)`),
	"see other processes":             `ls /proc; ps ax`,
	"signal or trace other processes": python(`os.kill(1, 9)`),
	"gain privileges":                 python(`os.setuid(0)`),
	"watch what the host does to files": python(
		`c.inotify_add_watch(c.inotify_init(), b"/usr/bin", 0xfff)`),
	"reach rarely used parts of the kernel": python(
		`c.syscall(248, b"user", b"x", b"x", 1, -2)`),
	"use 32-bit or x32 system calls":                  python(`c.syscall(0x40000000 + 39)`),
	"use memory, processes, time, output without end": python(`x = b"x" * (1 << 30)`),
	"outlive its sandbox":                             `setsid sleep 60 & sleep 0.1`,
	"inherit secrets":                                 `env; cat /proc/self/fd/9`,
	"forge log lines or terminal sequences":           `printf 'mcpbox: event: high\n\033[2J' >&2`,
}

func python(line string) string {
	return "python3 -c 'import ctypes, os, socket; c = ctypes.CDLL(None); " + line + "'"
}

// What SECURITY.md says about which attempts are reported is what happens.
func TestSecuritySaysWhatIsReported(t *testing.T) {
	t.Parallel()
	testhost.Need(t, "sandbox", "python3")
	first := rowsOfSecurity(t, "the tool tries to")
	limits := rowsOfSecurity(t, "limit")
	for row, says := range first {
		t.Run(row, func(t *testing.T) {
			script, ok := attempts[row]
			if !ok {
				t.Fatal("no attempt belongs to this row: add one")
			}
			r := runMcpbox(t, &claim{}, []string{"-q"}, []string{"sh", "-c", script})
			if reported := len(r.events) > 0; reported != strings.HasPrefix(says, "yes") {
				t.Errorf("SECURITY.md says %q, and the events are %v\n%s", says, r.names(),
					r.stderr)
			}
		})
	}
	for row := range attempts {
		if first[row] == "" {
			t.Errorf("SECURITY.md has no row %q", row)
		}
	}
	res := limitsOfARun(t)
	for names, says := range limits {
		for name := range strings.SplitSeq(names, ", ") {
			l, ok := res[strings.Trim(name, "`")]
			yes := says == "yes" || l.Backend == "cgroup2" && strings.HasPrefix(says, "with cgroup v2")
			if !ok || l.Reported == nil || *l.Reported != yes {
				t.Errorf("%s: SECURITY.md says %q, the result %+v", name, says, l)
			}
		}
	}
}

// rowsOfSecurity returns the last column of a table of SECURITY.md, by the first one. head is the
// first column's head.
func rowsOfSecurity(t *testing.T, head string) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, inside := map[string]string{}, false
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		first := strings.TrimSpace(cells[0])
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case first == head:
			inside = true
		case inside && !strings.HasPrefix(first, "---"):
			rows[first] = strings.TrimSpace(cells[len(cells)-1])
		}
	}
	if len(rows) < 4 {
		t.Fatalf("SECURITY.md: %d rows under %q", len(rows), head)
	}
	return rows
}
