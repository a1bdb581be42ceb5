package packages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A tool whose workspace is the whole home replaces neither what other servers run, nor what
// somebody decided about them.
func TestAToolWithTheHomeCannotReplacePackages(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	if out, said := u.mcpbox("", "install", "npm:notes"); out == "" {
		t.Fatal(said)
	}
	u.mcpbox("", "trust", "notes")
	config := filepath.Join(u.home, ".config", "mcpbox")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	server := u.files("npm/notes/*/tree/node_modules/notes/server.js")
	if len(server) != 1 {
		t.Fatal(server)
	}
	attack := `echo ok >ordinary
for f in $(find . -path '*mcpbox*' -type f) ` + strings.TrimPrefix(server[0], u.home+"/") + `
do echo 'evil()' >>$f; done
echo '{"X": {"from": "cmd:evil", "hosts": ["x"]}}' >.config/mcpbox/secrets.json`
	_, said := u.mcpbox("", "run", "--workspace", u.home, "--", "sh", "-c", attack)
	if _, err := os.Stat(filepath.Join(u.home, "ordinary")); err != nil {
		t.Errorf("the home is not the workspace: this test checks nothing\n%s", said)
	}
	if text, err := os.ReadFile(server[0]); err != nil || strings.Contains(string(text), "evil") {
		t.Errorf("the program was replaced: %v", err)
	}
	if _, err := os.Stat(filepath.Join(config, "secrets.json")); err == nil {
		t.Error("the configuration was written")
	}
	if out, said := u.mcpbox("", "packages", "verify"); out != "notes@1.0.0: unchanged\n" {
		t.Errorf("%s%s", out, said)
	}
	if out, _ := u.mcpbox("", "audit", "notes"); !strings.HasPrefix(out, "notes@1.0.0: trusted") {
		t.Errorf("the decisions: %s", out)
	}
	// With the same workspace the server itself runs.
	if out, said := u.mcpbox(hello, "mcp", "--workspace", u.home, "--", "npx", "-y",
		"notes"); !strings.Contains(out, `"version":"EROFS unreachable `) {
		t.Errorf("%s%s", out, said)
	}
}
