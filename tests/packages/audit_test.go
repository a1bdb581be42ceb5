package packages

import (
	"strings"
	"testing"
	"time"
)

func TestASuspiciousPackageDoesNotStartUntilItIsTrusted(t *testing.T) {
	u := newUser(t)
	young := notes()
	young.published = time.Now().Add(-time.Hour)
	u.publish("young", young)
	u.publish("mcp-remot", notes())
	hidden := notes()
	hidden.files[0].content += "// \u202e"
	u.publish("hidden", hidden)
	for name, want := range map[string]string{
		"young":     "young@1.0.0 is quarantined: the version was published 1h0m0s ago",
		"mcp-remot": "mcp-remot@1.0.0 is quarantined: the name is nearly that of mcp-remote",
		"hidden":    "hidden@1.0.0 is quarantined: its source has invisible characters",
	} {
		start := []string{"mcp", "--", "npx", "-y", name}
		if out, said := u.mcpbox(hello, start...); out != "" || !strings.Contains(said, want) {
			t.Errorf("%s: %s%s", name, out, said)
		}
		if out, _ := u.mcpbox("", "audit", name); !strings.HasPrefix(out,
			name+"@1.0.0: quarantined\n  high") {
			t.Errorf("audit %s: %s", name, out)
		}
		u.mcpbox("", "trust", name+"@1.0.0", "--reason", "looked at it")
		if out, said := u.mcpbox(hello, start...); !strings.Contains(out, `"name":"notes"`) {
			t.Errorf("trusted %s: %s%s", name, out, said)
		}
	}
}

func TestADeniedPackageDoesNotStart(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	start := []string{"mcp", "--", "npx", "-y", "notes"}
	if out, said := u.mcpbox(hello, start...); !strings.Contains(out, `"name":"notes"`) {
		t.Fatalf("%s%s", out, said)
	}
	for _, c := range []struct {
		decision []string
		want     string
	}{
		{[]string{"deny", "notes@^1", "--reason", "withdrawn"}, "notes@1.0.0 is denied: withdrawn"},
		{[]string{"trust", "notes"}, "notes@1.0.0 is denied: withdrawn"}, // deny wins
		{[]string{"quarantine", "notes@^1"}, "notes@1.0.0 is quarantined"},
		{[]string{"trust", "notes@^1"}, ""},
		{[]string{"deny", "notes@^2"}, ""},
	} {
		u.mcpbox("", c.decision...)
		out, said := u.mcpbox(hello, start...)
		if (out == "") != (c.want != "") || !strings.Contains(said, c.want) {
			t.Errorf("%v: %s%s", c.decision, out, said)
		}
	}
}
