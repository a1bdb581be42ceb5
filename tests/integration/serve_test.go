package integration

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/lockedbuf"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

const serveToken = "token-of-the-integration-tests"

// serving starts `mcpbox serve` with three official servers, and returns its socket and its
// address.
func serving(t *testing.T) (socket, address string) {
	t.Helper()
	testhost.Need(t, "sandbox")
	modules := serverModules(t)
	nodePath, _ := node(t)
	dir, err := os.MkdirTemp("/tmp", "serve-") // short: a socket's path has a bound
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	mounts := fmt.Sprintf("{source: %s, target: /opt/node_modules}", modules)
	if !strings.HasPrefix(nodePath, "/usr/") {
		prefix := filepath.Dir(filepath.Dir(nodePath))
		mounts += fmt.Sprintf(", {source: %s, target: %s}", prefix, prefix)
	}
	sum := sha256.Sum256([]byte(serveToken))
	entry := func(name, pkg, more string) string {
		return fmt.Sprintf("  %s: {command: [%s, "+
			"/opt/node_modules/@modelcontextprotocol/%s/dist/index.js%s], "+
			"policy: node}\n", name, nodePath, pkg, more)
	}
	for name, text := range map[string]string{
		"node.yaml": "version: 1\nextends: standard\nfilesystem: {mounts: [" + mounts + "]}\n" +
			"environment: {set: {MEMORY_FILE_PATH: /work/memory.json}}\n",
		"serve.yaml": "version: 1\npolicies: {node: node.yaml}\nlisten: 127.0.0.1:0\n" +
			"tokens: [{name: ci, sha256: " + hex.EncodeToString(sum[:]) + "}]\nservers:\n" +
			entry("everything", "server-everything", "") +
			entry("files", "server-filesystem", ", /work") +
			entry("memory", "server-memory", ""),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket = filepath.Join(dir, "s.sock")
	cmd := exec.Command(built.Mcpbox(t), "serve", "--best-effort", "--config",
		filepath.Join(dir, "serve.yaml"), "--socket", socket, "--state",
		filepath.Join(dir, "state"))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(log)
	for address == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the daemon did not start: %s %v", line, err)
		}
		if m := regexp.MustCompile(`tcp:(127\.0\.0\.1:\d+)`).FindStringSubmatch(line); m != nil {
			address = "http://" + m[1]
		}
	}
	said := &lockedbuf.Buffer{}
	go func() { _, _ = io.Copy(said, lines) }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", said.String())
		}
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	return socket, address
}

func TestTheTypeScriptClientSpeaksToServeOverHTTP(t *testing.T) {
	_, address := serving(t)
	nodePath, _ := node(t)
	cmd := exec.CommandContext(t.Context(), nodePath, "serve.mjs", address, serveToken)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	for _, want := range []string{
		`{"server":"everything","echo":"Echo: over HTTP","tools":`,
		`{"server":"files","read":"written by the agent"}`,
		`{"server":"files","outside":true}`,
		`{"server":"memory","graph":true}`,
		`{"server":"run_code","stdout":"42\n"}`,
		`{"unknown":true}`,
		`{"refused":true}`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), `"error"`) {
		t.Errorf("%s", out)
	}
}

// TestTheGatewayHasRealServersAndCodeAtOnce runs examples/gateway as it is.
func TestTheGatewayHasRealServersAndCodeAtOnce(t *testing.T) {
	testhost.Need(t, "go")
	socket, _ := serving(t)
	program := filepath.Join(t.TempDir(), "gateway")
	if out, err := exec.Command("go", "build", "-o", program, "../../examples/gateway").
		CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const address = "127.0.0.1:18431"
	cmd := exec.Command(program, "-listen", address, "-socket", socket)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ask := func(path, body string) string {
		for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			res, err := http.Post("http://"+address+path, "application/json",
				strings.NewReader(body))
			if err == nil {
				defer res.Body.Close()
				data, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("%s %s: %s %s %v", path, body, res.Status, data, err)
				}
				return string(data)
			}
			if time.Now().After(end) {
				t.Errorf("the gateway does not listen: %v", err)
				return ""
			}
		}
	}
	var all sync.WaitGroup
	for i := range 4 {
		for body, want := range map[string]string{
			`{"server": "everything", "tool": "echo", "arguments": {"message": "m` + fmt.Sprint(i) +
				`"}}`: "Echo: m" + fmt.Sprint(i),
			`{"server": "files", "tool": "list_directory", "arguments": {"path": "/work"}}`: `"content"`,
			`{"server": "memory", "tool": "read_graph", "arguments": {}}`:                   `entities`,
		} {
			all.Go(func() {
				if got := ask("/call", body); !strings.Contains(got, want) {
					t.Errorf("%s: %s", body, got)
				}
			})
		}
		all.Go(func() {
			got := ask("/code", fmt.Sprintf(`{"language": "python", "code": "print(%d * 2)"}`, i))
			if !strings.Contains(got, fmt.Sprintf(`"stdout":"%d\n"`, i*2)) {
				t.Errorf("code %d: %s", i, got)
			}
		})
	}
	all.Wait()
}
