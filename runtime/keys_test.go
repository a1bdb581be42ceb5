package runtime

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// keysOf returns how many keys a user of the host has. proc_key-users(5)
func keysOf(t *testing.T, uid int) int {
	t.Helper()
	data, err := os.ReadFile("/proc/key-users")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		user, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if user != strconv.Itoa(uid) {
			continue
		}
		var usage, all, instantiated int
		if _, err := fmt.Sscanf(rest, "%d %d/%d", &usage, &all, &instantiated); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return all
	}
	return 0
}

// A user may have 200 keys: keyrings(7). A sandbox, or a cell, that took one would make that the
// number of sandboxes that a user can have. MCPBOX_SANDBOXES says how many to start, instead of 8.
func TestManySandboxesTakeNoKeys(t *testing.T) {
	testhost.Need(t, "sandbox")
	n, err := strconv.Atoi(cmp.Or(os.Getenv("MCPBOX_SANDBOXES"), "8"))
	if err != nil {
		t.Fatal(err)
	}
	before := keysOf(t, os.Geteuid())
	for range n {
		box := startBoxOf(t, standard(t), 1)
		cell := builtCell(t, box)
		p, err := cell.Start(t.Context(), Command{Args: []string{"sleep", "1000"}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Kill()
		if ids := box.isolation.(*contained).ids; ids.ToolUID != os.Geteuid() {
			if keys := keysOf(t, ids.ToolUID); keys > 0 {
				t.Errorf("a tool has %d keys", keys)
			}
		}
	}
	if after := keysOf(t, os.Geteuid()); after > before+1 {
		t.Errorf("%d sandboxes: %d keys before, %d with them", n, before, after)
	}
}
