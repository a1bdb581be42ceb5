package packages

import (
	"archive/tar"
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// server is an MCP server. It says what it could do: whether it can write its own file, and reach
// the registry.
const server = `#!/usr/bin/env node
const fs = require("fs")
require("readline").createInterface({input: process.stdin}).on("line", line => {
  const m = JSON.parse(line)
  if (m.id === undefined) return
  if (m.method === "tools/list") {
    const tools = [{name: "add", description: "adds", inputSchema: {type: "object"}}]
    return console.log(JSON.stringify({jsonrpc: "2.0", id: m.id, result: {tools}}))
  }
  let wrote = "wrote"
  try { fs.appendFileSync(__filename, "//") } catch (e) { wrote = e.code }
  require("https").get("https://` + host + `/notes", () => answer("reached"))
    .on("error", () => answer("unreachable"))
  const answer = net => {
    const serverInfo = {name: "notes", version: wrote + " " + net + " " + process.argv.slice(2)}
    const result = {protocolVersion: m.params.protocolVersion, capabilities: {}, serverInfo}
    console.log(JSON.stringify({jsonrpc: "2.0", id: m.id, result}))
  }
})
`

const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":` +
	`"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}` + "\n"

func notes() published {
	return published{manifest: map[string]any{"bin": map[string]any{"notes": "server.js"}},
		files: []file{{name: "package/server.js", content: server}}}
}

// user is somebody with a home, who uses the registry.
type user struct {
	*registry
	t    *testing.T
	home string
	env  []string
}

func newUser(t *testing.T) *user {
	testhost.Need(t, "sandbox", "node", "npm")
	return &user{registry: newRegistry(t), t: t, home: t.TempDir()}
}

func (u *user) command(args ...string) *exec.Cmd {
	env := []string{"env", "-i", "PATH=" + os.Getenv("PATH"), "HOME=" + u.home,
		"NODE_EXTRA_CA_CERTS=" + u.CA.File, "npm_config_registry=https://" + host + "/"}
	return u.Command(slices.Concat(env, u.env, args)...)
}

// mcpbox returns its output and its errors.
func (u *user) mcpbox(stdin string, args ...string) (stdout, stderr string) {
	u.t.Helper()
	cmd := u.command(append([]string{built.Mcpbox(u.t)}, args...)...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &said
	_ = cmd.Run()
	return out.String(), said.String()
}

func (u *user) files(pattern string) []string {
	found, err := filepath.Glob(filepath.Join(u.home, ".local/share/mcpbox/packages", pattern))
	if err != nil {
		u.t.Fatal(err)
	}
	return found
}

func TestTheFirstStartInstallsAndTheNextOneAsksNobody(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	for range 2 {
		out, said := u.mcpbox(hello, "mcp", "--", "npx", "-y", "notes", "--a", "b")
		if !strings.Contains(out, `"version":"EROFS unreachable --a,b"`) {
			t.Fatalf("%s\n%s", out, said)
		}
	}
	if n := u.asked("notes"); n != 1 {
		t.Errorf("the archive was asked for %d times", n)
	}
	// Nothing else of the home was touched.
	if left, _ := filepath.Glob(filepath.Join(u.home, ".*")); len(left) != 1 {
		t.Errorf("left in the home: %v", left)
	}
}

func TestFirstStartsAtTheSameTimeInstallOnce(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			out, said := u.mcpbox(hello, "mcp", "--", "npx", "-y", "notes")
			if !strings.Contains(out, `"name":"notes"`) {
				t.Errorf("%s\n%s", out, said)
			}
		})
	}
	all.Wait()
	if n := u.asked("notes"); n != 1 {
		t.Errorf("the archive was asked for %d times", n)
	}
}

func TestAKilledInstallLeavesNothingThatCounts(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	u.hang = make(chan struct{})
	cmd := u.command(built.Mcpbox(t), "install", "npm:notes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-u.came
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	close(u.hang)
	u.mu.Lock()
	u.hang = nil
	u.mu.Unlock()
	if out, _ := u.mcpbox("", "packages", "list"); out != "" {
		t.Errorf("listed: %s", out)
	}
	if left := u.files("staging/*"); len(left) != 1 {
		t.Errorf("the install was not under way: %v", left)
	}
	if out, said := u.mcpbox("", "packages", "gc"); out != "removed an interrupted install\n" {
		t.Errorf("gc: %s%s", out, said)
	}
	out, said := u.mcpbox(hello, "mcp", "--", "npx", "-y", "notes")
	if !strings.Contains(out, `"name":"notes"`) {
		t.Errorf("%s\n%s", out, said)
	}
}

// Killed at any of its steps, an install leaves a whole package or none.
func TestAnInstallIsWholeOrNotThere(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	for _, step := range []string{"installing notes", "looking at notes", "installed notes"} {
		cmd := u.command(built.Mcpbox(t), "install", "--update", "npm:notes")
		said, err := cmd.StderrPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if strings.Contains(lines.Text(), step) {
				seen = true
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		if !seen {
			t.Fatalf("%s: it was not said", step)
		}
		out, said2 := u.mcpbox("", "packages", "verify")
		if out != "" && out != "notes@1.0.0: unchanged\n" || strings.Contains(said2, "changed") {
			t.Errorf("%s: %s%s", step, out, said2)
		}
		u.mcpbox("", "packages", "gc")
		if left := u.files("staging/*"); len(left) > 0 {
			t.Errorf("%s: left %v", step, left)
		}
	}
	if out, said := u.mcpbox(hello, "mcp", "--", "npx", "-y",
		"notes"); !strings.Contains(out, `"name":"notes"`) {
		t.Errorf("%s\n%s", out, said)
	}
}

// No code of a package runs when it is installed.
func TestAPostinstallScriptDoesNotRun(t *testing.T) {
	u := newUser(t)
	p := notes()
	canary := filepath.Join(t.TempDir(), "canary")
	p.manifest["scripts"] = map[string]any{"postinstall": "echo pwned >" + canary}
	u.publish("notes", p)
	bare := u.command("npm", "install", "--prefix", t.TempDir(), "--foreground-scripts", "notes")
	if out, err := bare.CombinedOutput(); err != nil {
		t.Fatalf("bare: %v\n%s", err, out)
	}
	if _, err := os.Stat(canary); err != nil {
		t.Fatalf("bare npm did not run the script: %v", err)
	}
	if err := os.Remove(canary); err != nil {
		t.Fatal(err)
	}
	out, said := u.mcpbox("", "install", "npm:notes")
	if !strings.HasPrefix(out, "notes@1.0.0\tsha512-") {
		t.Fatalf("%s\n%s", out, said)
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("the script ran")
	}
	if out, _ = u.mcpbox("", "packages", "show", "notes"); !strings.Contains(out,
		`"install_scripts": [`) {
		t.Errorf("the script is not reported: %s", out)
	}
}

func TestAnArchiveThatLeadsOutsideStaysInside(t *testing.T) {
	u := newUser(t)
	p := notes()
	p.files = append(p.files,
		file{name: "package/../../../../../escaped", content: "x"},
		file{name: "/escaped", content: "x"},
		file{name: "package/etc", link: "/etc", kind: tar.TypeSymlink},
		file{name: "package/etc/escaped", content: "x"},
		file{name: "package/shadow", link: "/etc/shadow", kind: tar.TypeLink})
	u.publish("notes", p)
	out, said := u.mcpbox("", "install", "npm:notes")
	if out == "" {
		t.Log(said) // refused, which is well too
	}
	for _, name := range []string{"/escaped", "/etc/escaped", filepath.Join(u.home, "escaped")} {
		if _, err := os.Lstat(name); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	for _, link := range u.files("npm/notes/*/tree/node_modules/notes/*") {
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink != 0 {
			t.Errorf("%s is a link", link)
		}
	}
}

func TestWhatIsWrongWithARegistryIsSaid(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	forged := notes()
	forged.integrity = "sha512-" + strings.Repeat("A", 86) + "=="
	u.publish("forged", forged)
	secret := "this was private"
	private := u.Listen("10.9.9.9:443")
	go func() {
		for {
			c, err := private.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(secret))
			c.Close()
		}
	}()
	for _, c := range []struct {
		what, spec, want string
		redirect         string
		hang             bool
	}{
		{what: "wrong integrity", spec: "npm:forged",
			want: "not what the registry's integrity says"},
		{what: "no such name", spec: "npm:missing", want: "the registry has no package missing"},
		{what: "no such version", spec: "npm:notes@^9", want: "notes has no version ^9"},
		{what: "no name", spec: "npm:../notes", want: "names no package"},
		{what: "it hangs", spec: "npm:notes", hang: true, want: "the registry took longer than 4s"},
		{what: "redirect to a private address", spec: "npm:notes", redirect: "https://10.9.9.9/",
			want: "the install was refused a connection"},
		{what: "redirect to another name", spec: "npm:notes",
			redirect: "https://evil.example.test/", want: "the install was refused a connection"},
	} {
		u.mu.Lock()
		u.redirect, u.hang = c.redirect, nil
		if c.hang {
			u.hang = make(chan struct{})
		}
		u.mu.Unlock()
		timeout := "60s"
		if c.hang {
			timeout = "4s"
		}
		out, said := u.mcpbox("", "install", "--timeout", timeout, c.spec)
		if out != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s%s", c.what, out, said)
		}
		if left := u.files("*/*/*/mcpbox.json"); len(left) > 0 {
			t.Errorf("%s: left %v", c.what, left)
		}
		if left := u.files("staging/*"); len(left) > 0 {
			t.Errorf("%s: left %v", c.what, left)
		}
	}
}

func TestChangedFilesAreFoundAndRemoved(t *testing.T) {
	u := newUser(t)
	u.publish("notes", notes())
	u.mcpbox("", "install", "npm:notes")
	if out, said := u.mcpbox("", "packages", "verify"); out != "notes@1.0.0: unchanged\n" {
		t.Fatalf("%s%s", out, said)
	}
	files := u.files("npm/notes/*/tree/node_modules/notes/server.js")
	if len(files) != 1 {
		t.Fatal(files)
	}
	if err := os.WriteFile(files[0], []byte("evil()"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, said := u.mcpbox("", "packages", "verify"); !strings.Contains(said,
		"notes@1.0.0: its files have changed since it was installed") {
		t.Errorf("verify: %s", said)
	}
	u.mcpbox("", "packages", "remove", "notes")
	if left := u.files("npm/notes/1.0.0-*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
