package mcp_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

const large = 64 << 20

// A result of 64 MiB passes under every policy. If no rule needs the whole result, the proxy only
// holds a small part of it.
func TestSixtyFourMiBPass(t *testing.T) {
	for _, c := range []struct {
		rules string
		peak  int // KiB the proxy may have grown to; 0: no claim
	}{{"{}", 0}, {"{output: {mark: none}}", 48 << 10}} {
		s := proxied(t, c.rules)
		id := s.send("big", fmt.Sprintf(`{"size":%d}`, large))
		if got := s.hear(); len(got) < large || !strings.HasPrefix(got,
			fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{`, id)) || !strings.HasSuffix(got, `"}]}}`) {
			t.Errorf("%s: %d bytes arrive: %.100s…", c.rules, len(got), got)
		}
		if got, _ := s.call("echo", `{"text":"still here"}`); !strings.Contains(got, "still here") {
			t.Errorf("%s: afterwards: %s", c.rules, got)
		}
		if peak := peakKiB(t, s.cmd.Process.Pid); c.peak > 0 && peak > c.peak {
			t.Errorf("%s: the proxy has taken %d KiB", c.rules, peak)
		}
	}
}

// A line of 150 MiB is longer than any message may be. The proxy answers in the server's place, and
// needs no more memory than for one message.
func TestALineBeyondTheLimitCostsNoMoreThanAMessage(t *testing.T) {
	s := proxied(t, "{}")
	if got, _ := s.call("big", fmt.Sprintf(`{"size":%d}`, 150<<20)); !strings.Contains(got,
		"The answer is too long.") {
		t.Errorf("the client gets %.100s", got)
	}
	if got, _ := s.call("echo", `{"text":"still here"}`); !strings.Contains(got, "still here") {
		t.Errorf("afterwards: %s", got)
	}
	const bound = 192 << 10 // MaxMessage, 96 MiB, once; and mcpbox itself
	if peak := peakKiB(t, s.cmd.Process.Pid); peak > bound {
		t.Errorf("the proxy has taken %d KiB, more than %d", peak, bound)
	}
}

// peakKiB returns VmHWM. proc_pid_status(5)
func peakKiB(t *testing.T, pid int) int {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(data, []byte("\n")) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.Atoi(string(bytes.Fields(rest)[0]))
			return kib
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
