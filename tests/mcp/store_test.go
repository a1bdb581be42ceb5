package mcp_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// A change of the operator's store applies to a running session at once, and the client gets
// list_changed notifications.
func TestAToolRemovedFromTheStoreIsGoneFromARunningSession(t *testing.T) {
	store := filepath.Join(t.TempDir(), "allow.db")
	allow := func(args ...string) string {
		out, err := exec.Command(built.Mcpbox(t), append([]string{"allow", "--store", store},
			args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("allow %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	allow("add", "server", "hostile")
	allow("add", "tool", "echo")
	s := proxied(t, "{}", "--store", store)
	if got, _ := s.call("echo", `{"text":"allowed"}`); !strings.Contains(got, "allowed") {
		t.Fatalf("an allowed tool: %s", got)
	}
	if got, _ := s.call("tags", "{}"); !strings.Contains(got, "not available") {
		t.Errorf("a tool that no rule names: %s", got)
	}
	allow("add", "tool", "echo", "--deny")
	if got := s.hear(); got != `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}` {
		t.Errorf("the client hears %s", got)
	}
	if got, _ := s.call("echo", `{"text":"allowed"}`); !strings.Contains(got,
		`The tool \"echo\" is not available.`) {
		t.Errorf("after it was withdrawn: %s", got)
	}
}

func TestAServerThatIsNotInTheStoreIsNotStarted(t *testing.T) {
	store := filepath.Join(t.TempDir(), "allow.db")
	if out, err := exec.Command(built.Mcpbox(t), "allow", "--store", store, "add", "server",
		"another").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(built.Mcpbox(t), "mcp", "--store", store, "--name", "this", "--",
		"true").CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 125 ||
		!strings.Contains(string(out), "this server may not run") {
		t.Errorf("%v: %s", err, out)
	}
}
