package sysmon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mcpbox/mcpbox/internal/sysmon"
	"github.com/mcpbox/mcpbox/internal/testhost"
)

func TestOneThreadHasTheSlack(t *testing.T) {
	testhost.Need(t, "root") // to read another thread's: proc_pid_timerslack_ns(5)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	n := 0
	for _, thread := range threads {
		text, err := os.ReadFile(filepath.Join("/proc", thread.Name(), "timerslack_ns"))
		if err == nil && strings.TrimSpace(string(text)) == "500000" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of %d threads have a timer slack of 500 µs, not 1", n, len(threads))
	}
}
