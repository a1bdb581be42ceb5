package clientconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const plain = "{\"mcpServers\": {\"a\": {\"command\": \"node\", \"args\": [\"s.js\"]}}}\n"

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcp.json")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wrap(t *testing.T, path string) *Change {
	t.Helper()
	c, err := WrapFile(path, options, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func unwrap(t *testing.T, path string) *Change {
	t.Helper()
	c, err := UnwrapFile(path, options, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnUneditedFileIsRestoredAndItsBackupIsRemoved(t *testing.T) {
	path := file(t, plain)
	c := wrap(t, path)
	if content(t, c.Backup) != plain || content(t, path) == plain {
		t.Fatalf("backup %q, file %q", content(t, c.Backup), content(t, path))
	}
	for _, name := range []string{path, c.Backup} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o640 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	unwrap(t, path)
	if content(t, path) != plain {
		t.Errorf("restored: %q", content(t, path))
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	path := file(t, plain)
	c, err := WrapFile(path, options, true, nil)
	if err != nil || !c.Changed() {
		t.Fatalf("%v, %v", c, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 || content(t, path) != plain {
		t.Errorf("left: %q, %v, %q", left, err, content(t, path))
	}
}

func TestALinkStaysALink(t *testing.T) {
	path := file(t, plain)
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	c := wrap(t, link)
	if to, err := os.Readlink(link); err != nil || to != path || c.Path != path ||
		content(t, path) == plain {
		t.Errorf("%q, %v, %q", to, err, c.Path)
	}
}

// A server is added to a wrapped file and wrapped as well. unwrap restores both.
func TestASecondWrapKeepsTheFirstBackup(t *testing.T) {
	path := file(t, "{\"mcpServers\": {\"a\": {\"command\": \"node\"}}}\n")
	wrap(t, path)
	added := strings.Replace(content(t, path), "]}}",
		"]},\n\"b\": {\"args\": [], \"command\": \"x\"}}", 1)
	if err := os.WriteFile(path, []byte(added), 0o640); err != nil {
		t.Fatal(err)
	}
	c := wrap(t, path)
	if content(t, c.Backup+".1") != "{\"mcpServers\": {\"a\": {\"command\": \"node\"}}}\n" {
		t.Errorf("the first backup is %q", content(t, c.Backup+".1"))
	}
	unwrap(t, path)
	if want := "{\"mcpServers\": {\"a\": {\"command\": \"node\"},\n\"b\": {\"args\": [], " +
		"\"command\": \"x\"}}}\n"; content(t, path) != want {
		t.Errorf("got  %q\nwant %q", content(t, path), want)
	}
}

func TestAFileThatChangesMeanwhileIsNotOverwritten(t *testing.T) {
	path := file(t, plain)
	c, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	c.After = []byte("{}")
	if err := os.WriteFile(path, []byte("the client's"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := c.replace(); err == nil || content(t, path) != "the client's" {
		t.Errorf("%v, %q", err, content(t, path))
	}
}

func TestUnwrapKeepsEditsAndTheBackup(t *testing.T) {
	path := file(t, plain)
	c := wrap(t, path)
	edited := strings.Replace(content(t, path), "}}}", "}}, \"theme\": \"dark\"}", 1)
	if err := os.WriteFile(path, []byte(edited), 0o640); err != nil {
		t.Fatal(err)
	}
	unwrap(t, path)
	if want := strings.Replace(plain, "}}}", "}}, \"theme\": \"dark\"}", 1); content(t,
		path) != want {
		t.Errorf("got %q", content(t, path))
	}
	if content(t, c.Backup) != plain {
		t.Errorf("backup %q", content(t, c.Backup))
	}
}

func TestFilesOfClientsAreFound(t *testing.T) {
	d := Dirs{Home: t.TempDir(), Work: t.TempDir()}
	d.Config = filepath.Join(d.Home, ".config")
	for name, text := range map[string]string{
		d.Home + "/.claude.json":                              `{"projects": {"/p": {"mcpServers": {"a": {"command": "x"}}}}}`,
		d.Work + "/.mcp.json":                                 plain,
		d.Config + "/Claude/claude_desktop_config.json":       `{"mcpServers": {`,
		d.Home + "/.cursor/mcp.json":                          `{"mcpServers": {}}`,
		d.Config + "/Code/User/settings.json":                 `{"editor.fontSize": 12}`,
		d.Work + "/.vscode/mcp.json":                          `{"servers": {"a": {"command": "x"}}}`,
		filepath.Join(d.Config, "Code", "User", "other.json"): plain,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for client, want := range map[string]string{
		"claude-code": d.Home + "/.claude.json " + d.Work + "/.mcp.json",
		// broken: the error comes when it is rewritten
		"claude-desktop": d.Config + "/Claude/claude_desktop_config.json",
		"cursor":         "",
		"vscode":         d.Work + "/.vscode/mcp.json",
		"nosuch":         "",
	} {
		got, err := Find(client, d)
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", client, got, err, want)
		}
	}
	d.Work = d.Home
	if err := os.WriteFile(d.Home+"/.cursor/mcp.json", []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Find("cursor", d); len(got) != 1 || err != nil {
		t.Errorf("in the home folder: %q, %v", got, err)
	}
}
