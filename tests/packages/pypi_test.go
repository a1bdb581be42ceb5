package packages

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// pyServer is an MCP server. It says what it could do, and uses a package that it needs.
const pyServer = `import json, sys, socket
import acme_words

def main():
    for line in sys.stdin:
        m = json.loads(line)
        if "id" not in m: continue
        wrote = "wrote"
        try:
            open(__file__, "a").close()
        except OSError as e:
            wrote = e.strerror
        net = "reached"
        try:
            socket.create_connection(("` + indexHost + `", 8443), 2).close()
        except OSError:
            net = "unreachable"
        info = {"name": acme_words.NAME, "version": " ".join([wrote, net] + sys.argv[1:])}
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        if m["method"] == "tools/list":
            result = {"tools": [{"name": "add", "description": "adds", "inputSchema": {"type": "object"}}]}
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}), flush=True)
`

// pyUser is somebody who uses the index.
type pyUser struct {
	*user
	*index
}

func newPyUser(t *testing.T) *pyUser {
	testhost.Need(t, "sandbox", "pip")
	u := newUser(t)
	i := newIndex(u.World, t)
	u.env = append(u.env, "PIP_INDEX_URL=https://"+indexHost+":8443/simple/", "PIP_CERT="+u.CA.File)
	i.publish(wheel{name: "acme-words", module: "NAME = 'notes'\n"})
	return &pyUser{u, i}
}

func pyNotes(name string) wheel {
	return wheel{name: name, module: pyServer, needs: []string{"acme-words>=1"},
		scripts: map[string]string{name: strings.ReplaceAll(name, "-", "_") + ":main"}}
}

func TestUvxInstallsOnceAndRunsWithoutTheIndex(t *testing.T) {
	u := newPyUser(t)
	for _, html := range []bool{false, true} {
		name := map[bool]string{false: "acme-notes", true: "html-notes"}[html]
		u.index.mu.Lock()
		u.html = html
		u.index.mu.Unlock()
		u.index.publish(pyNotes(name))
		for _, start := range [][]string{{"uvx", name}, {"pipx", "run", name},
			{"uv", "tool", "run", name}} {
			args := append([]string{"mcp", "--"}, append(start, "--a", "b")...)
			out, said := u.mcpbox(hello, args...)
			if !strings.Contains(out, `"version":"Read-only file system unreachable --a b"`) &&
				!strings.Contains(out, `"version": "Read-only file system unreachable --a b"`) {
				t.Fatalf("%v: %s\n%s", start, out, said)
			}
		}
		u.index.mu.Lock()
		if n := u.archives[name]; n != 1 {
			t.Errorf("the archive was asked for %d times", n)
		}
		u.index.mu.Unlock()
	}
	if out, _ := u.mcpbox("", "packages", "show", "pypi:acme-notes"); !strings.Contains(out,
		`"tools": {`) {
		t.Errorf("the trial start listed no tools: %s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(u.home, ".*")); len(left) != 1 {
		t.Errorf("left in the home: %v", left)
	}
	if out, said := u.mcpbox("", "packages", "verify"); strings.Count(out, "unchanged") != 2 {
		t.Errorf("verify: %s%s", out, said)
	}
}

// mcpbox run is the same.
func TestRunUsesWhatIsInstalled(t *testing.T) {
	u := newPyUser(t)
	u.index.publish(wheel{name: "acme-hello", module: "def main():\n    import sys\n" +
		"    print('hello', sys.prefix)\n    sys.exit(3)\n",
		scripts: map[string]string{"acme-hello": "acme_hello:main"}})
	if out, said := u.mcpbox("", "run", "--", "uvx", "acme-hello"); out !=
		"hello /opt/package\n" {
		t.Errorf("%s\n%s", out, said)
	}
	u.registry.publish("hello", published{manifest: map[string]any{"bin": "x.js"},
		files: []file{{name: "package/x.js", content: "console.log('hello')"}}})
	if out, said := u.mcpbox("", "run", "--", "npx", "-y", "hello"); out != "hello\n" {
		t.Errorf("%s\n%s", out, said)
	}
}

func TestWhatIsWrongWithAnIndexIsSaid(t *testing.T) {
	u := newPyUser(t)
	u.index.publish(pyNotes("acme-notes"))
	forged := pyNotes("forged")
	forged.sha256 = strings.Repeat("a", 64)
	u.index.publish(forged)
	bare := pyNotes("bare")
	bare.sha256 = "none"
	u.index.publish(bare)
	u.index.publish(wheel{name: "source-only", source: true, module: "raise SystemExit('built')\n"})
	for _, c := range []struct {
		what, spec, want, redirect string
		hang                       bool
	}{
		{what: "wrong hash", spec: "pypi:forged", want: "not what the index's hash says"},
		{what: "no hash", spec: "pypi:bare", want: "the index gives no sha256"},
		{what: "404", spec: "pypi:missing", want: "the index has no package missing"},
		{what: "no version", spec: "pypi:acme-notes==9", want: "has nothing that fits"},
		{what: "no name", spec: "pypi:../notes", want: "names no package"},
		{what: "source", spec: "pypi:source-only",
			want: "to build its source archive would run its code"},
		{what: "it hangs", spec: "pypi:acme-notes", hang: true,
			want: "the registry took longer than 6s"},
		{what: "redirect to a private address", spec: "pypi:acme-notes",
			redirect: "https://10.9.9.9/x.whl", want: "the install was refused a connection"},
		{what: "redirect to another name", spec: "pypi:acme-notes",
			redirect: "https://evil.example.test/x.whl",
			want:     "the install was refused a connection"},
	} {
		u.index.mu.Lock()
		u.index.redirect, u.index.hang = c.redirect, c.hang
		u.index.mu.Unlock()
		timeout := "90s"
		if c.hang {
			timeout = "6s"
		}
		out, said := u.mcpbox("", "install", "--timeout", timeout, c.spec)
		if out != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s%s", c.what, out, said)
		}
		if left := append(u.files("*/*/*/mcpbox.json"), u.files("staging/*")...); len(left) > 0 {
			t.Errorf("%s: left %v", c.what, left)
		}
	}
}

// A source archive runs code when it is built. It is built only if somebody trusts it, and then in
// the sandbox of the install.
func TestASourceArchiveIsBuiltOnlyIfTrusted(t *testing.T) {
	u := newPyUser(t)
	canary := filepath.Join(t.TempDir(), "canary")
	setup := `
try:
    open("` + canary + `", "w").close()
except OSError:
    pass
from setuptools import setup
setup(name="built", version="1.0", py_modules=["setup"],
      entry_points={"console_scripts": ["built=setup:main"]})
`
	u.index.publish(wheel{name: "built", source: true, module: setup})
	bare := u.command("/usr/bin/python3", "-m", "pip", "install", "--target", t.TempDir(),
		"--no-build-isolation", "--disable-pip-version-check", "--no-cache-dir", "built")
	if out, err := bare.CombinedOutput(); err != nil {
		t.Fatalf("bare: %v\n%s", err, out)
	}
	if _, err := os.Stat(canary); err != nil {
		t.Fatalf("bare pip did not run the code: %v", err)
	}
	if err := os.Remove(canary); err != nil {
		t.Fatal(err)
	}
	if out, said := u.mcpbox("", "install", "pypi:built"); out != "" ||
		!strings.Contains(said, "would run its code") {
		t.Errorf("%s%s", out, said)
	}
	u.mcpbox("", "trust", "pypi:built", "--reason", "looked at it")
	_, said := u.mcpbox("", "install", "pypi:built")
	if strings.Contains(said, "would run its code") {
		t.Errorf("trusted, and still refused: %s", said)
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("the code wrote outside of the sandbox")
	}
}

func TestAWheelThatLeadsOutsideStaysInside(t *testing.T) {
	u := newPyUser(t)
	for name, extra := range map[string]file{
		"parent": {name: "../../../../../../escaped", content: "x"},
		"root":   {name: "/escaped", content: "x"},
		"link":   {name: "etc", link: "/etc", kind: tar.TypeSymlink},
		"data":   {name: "data-1.0.data/data/../../../../../../escaped", content: "x"},
	} {
		w := pyNotes(name)
		w.extra = []file{extra}
		u.index.publish(w)
		_, said := u.mcpbox("", "install", "pypi:"+name)
		t.Log(said)
		for _, escaped := range []string{"/escaped", filepath.Join(u.home, "escaped")} {
			if _, err := os.Lstat(escaped); err == nil {
				t.Errorf("%s: %s was written", name, escaped)
			}
		}
	}
	for _, link := range u.files("pypi/*/*/tree/lib/*/site-packages/*") {
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink != 0 {
			t.Errorf("%s is a link", link)
		}
	}
}

func TestAuditOfPythonPackages(t *testing.T) {
	u := newPyUser(t)
	young := pyNotes("young")
	young.published = time.Now().Add(-time.Hour)
	u.index.publish(young)
	near := pyNotes("mcp-server-gti")
	u.index.publish(near)
	decoded := pyNotes("decoded")
	decoded.module += "\ndef more():\n    import base64\n    exec(base64.b64decode('cGFzcw=='))\n"
	u.index.publish(decoded)
	yanked := pyNotes("yanked")
	yanked.yanked = "it deletes files"
	u.index.publish(yanked)
	for name, want := range map[string]string{
		"young":          "quarantined: the version was published 1h0m0s ago",
		"mcp-server-gti": "quarantined: the name is nearly that of mcp-server-git",
		"decoded":        "quarantined: it runs code that it decodes first",
		"yanked==1.0":    "quarantined: the registry has withdrawn the version (it deletes files)",
	} {
		if out, said := u.mcpbox("", "audit", "pypi:"+name); !strings.Contains(out, want) {
			t.Errorf("%s: %s%s", name, out, said)
		}
	}
}
