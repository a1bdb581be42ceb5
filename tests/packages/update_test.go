package packages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAnUpdateShowsWhatChangesAndHoldsBackWhatIsSuspicious(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	u.publish("words", published{})
	version := func() string {
		out, _ := u.mcpbox("", "packages", "show", "notes")
		_, rest, _ := strings.Cut(out, `"version": "`)
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	if out, said := u.mcpbox(hello, "mcp", "--", "npx", "-y", "notes"); out == "" {
		t.Fatal(said)
	}
	if out, said := u.mcpbox("", "packages",
		"update"); out != "notes: notes@1.0.0 is the newest\n" {
		t.Errorf("%s%s", out, said)
	}
	next := notes()
	next.version = "1.1.0"
	next.manifest["dependencies"] = map[string]any{"words": "*"}
	next.manifest["scripts"] = map[string]any{"postinstall": "true"}
	next.files[0].content = strings.ReplaceAll(server, `"add"`, `"sum"`) +
		"// require('child_process')\n"
	u.publish("notes", next)
	want := `+ package words 1.0.0
  ~ package notes 1.0.0 → 1.1.0
  + install script notes
  + tool sum
  - tool add
  + ability it can start other programs
`
	want = "  ~ package notes 1.0.0 → 1.1.0\n  + package words 1.0.0\n" +
		strings.SplitAfterN(want, "\n", 3)[2]
	out, said := u.mcpbox("", "packages", "update", "--check", "notes")
	if out != "notes: notes@1.0.0 could become notes@1.1.0\n"+want {
		t.Errorf("check: %s%s", out, said)
	}
	if got := version(); got != "1.0.0" {
		t.Errorf("a check installed %s", got)
	}
	out, said = u.mcpbox("", "packages", "update")
	if out != "notes: notes@1.0.0 became notes@1.1.0\n"+want {
		t.Errorf("update: %s%s", out, said)
	}
	if out, _ := u.mcpbox(listTools, "mcp", "--", "npx", "-y", "notes"); !strings.Contains(out,
		`"sum"`) {
		t.Errorf("the new version does not run: %s", out)
	}
	young := notes()
	young.version, young.published = "1.2.0", time.Now().Add(-time.Hour)
	u.publish("notes", young)
	out, said = u.mcpbox("", "packages", "update")
	if !strings.Contains(out, "notes: notes@1.1.0 stays; notes@1.2.0 is quarantined: the version "+
		"was published 1h0m0s ago") {
		t.Errorf("held: %s%s", out, said)
	}
	if out, said := u.mcpbox(listTools, "mcp", "--", "npx", "-y", "notes"); !strings.Contains(out,
		`"sum"`) {
		t.Errorf("the old version does not run: %s%s", out, said)
	}
	// The registry withdraws the version that is in use.
	u.unpublish("notes", "1.1.0")
	out, said = u.mcpbox("", "packages", "update", "--check")
	if !strings.Contains(out,
		"notes@1.1.0: the registry has withdrawn it: it is not there any more") {
		t.Errorf("withdrawn: %s%s", out, said)
	}
	out, said = u.mcpbox(hello, "mcp", "--", "npx", "-y", "notes")
	if out != "" || !strings.Contains(said,
		"notes@1.1.0 is denied: the registry has withdrawn the version") {
		t.Errorf("withdrawn: %s%s", out, said)
	}
}

func TestNewMaintainersAreSeen(t *testing.T) {
	u := newPyUser(t)
	w := pyNotes("acme-notes")
	u.index.publish(w)
	if out, said := u.mcpbox("", "install", "pypi:acme-notes"); out == "" {
		t.Fatal(said)
	}
	w.version, w.author = "1.1", "Mallory"
	u.index.publish(w)
	out, said := u.mcpbox("", "packages", "update", "pypi:acme-notes")
	if !strings.Contains(out, "acme-notes@1.0 stays; acme-notes@1.1 is quarantined: none of its "+
		"maintainers is one of the version that was installed before (Mallory)") ||
		!strings.Contains(out, "+ maintainer Mallory") {
		t.Errorf("%s%s", out, said)
	}
}

// Rules about versions apply to what is installed, not to what the server says of itself.
func TestVersionRulesApplyToWhatIsInstalled(t *testing.T) {
	u := newUser(t)
	lying := notes()
	lying.files[0].content = strings.Replace(server, `version: wrote + " "`,
		`version: "2.0.0", other: wrote + " "`, 1)
	u.publish("notes", lying)
	for versions, offers := range map[string]bool{"^1": true, "^2": false} {
		file := filepath.Join(t.TempDir(), "p.yaml")
		text := "version: 1\nextends: standard\nmcp: {server: {version: \"" + versions + "\"}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, said := u.mcpbox(listTools, "mcp", "--policy", file, "--", "npx", "-y", "notes")
		if strings.Contains(out, `"add"`) != offers {
			t.Errorf("%s: %s%s", versions, out, said)
		}
	}
}

func TestAllServersOfAClientsConfigurationAreInstalled(t *testing.T) {
	u := newPyUser(t)
	u.registry.publish("notes", notes())
	u.index.publish(pyNotes("acme-notes"))
	file := filepath.Join(t.TempDir(), "mcp.json")
	text := `{"mcpServers": {"a": {"command": "npx", "args": ["-y", "notes", "--x"]},
		"b": {"command": "uvx", "args": ["acme-notes"]},
		"c": {"command": "node", "args": ["server.js"]}, "d": {"url": "https://example.test/mcp"}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, said := u.mcpbox("", "install", "--from", file)
	if strings.Count(out, "\n") != 2 || !strings.Contains(out, "notes@1.0.0\tsha512-") ||
		!strings.Contains(out, "acme-notes@1.0\tsha256-") {
		t.Errorf("%s%s", out, said)
	}
}
