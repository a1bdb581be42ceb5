package integration

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

const codeSession = `{"tools":["run_code","secure_sandbox"]}
{"stdout":"42\n","text":"It ran and ended with exit code 0.\nstdout:\n42\nfile: f, 4 bytes, URI\n","progress":true}
{"file":"file"}
{"status":"refused","isError":true}
{"cancelled":true,"soon":true}
{"after":"on\n"}
`

// session runs code.mjs, the official TypeScript client.
func session(t *testing.T, args ...string) string {
	t.Helper()
	nodePath, _ := node(t)
	serverModules(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, nodePath, append([]string{"code.mjs"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	text := string(out)
	if from := strings.Index(text, "mcpbox://"); from >= 0 { // the id differs from run to run
		to := from + strings.Index(text[from:], `\n`)
		text = text[:from] + "URI" + text[to:]
	}
	return text
}

func TestTheTypeScriptClientRunsCode(t *testing.T) {
	if got := session(t, built.Mcpbox(t), "mcp-server"); got != codeSession {
		t.Errorf("got\n%s\nwant\n%s", got, codeSession)
	}
}

func TestTheTypeScriptClientRunsCodeOverHTTP(t *testing.T) {
	node(t)
	cmd := exec.Command(built.Mcpbox(t), "mcp-server", "--listen", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if got := session(
		t,
		strings.TrimSpace(strings.TrimPrefix(line, "mcpbox: ")),
	); got != codeSession {
		t.Errorf("got\n%s\nwant\n%s", got, codeSession)
	}
}

func TestTheInspectorRunsCode(t *testing.T) {
	bin := inspector(t)
	script := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(
		script,
		[]byte("#!/bin/sh\nexec '"+built.Mcpbox(t)+"' mcp-server\n"),
		0o755,
	); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--method", "tools/list"}, `"secure_sandbox"`},
		{[]string{"--method", "tools/call", "--tool-name", "run_code", "--tool-arg",
			"language=python", "--tool-arg", "code=print(6*7)"}, `"stdout": "42\n"`},
		{[]string{"--method", "tools/call", "--tool-name", "secure_sandbox", "--tool-arg",
			"language=python", "--tool-arg", "code=import os"}, `"status": "refused"`},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, bin, append([]string{"--cli", script}, c.args...)...)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		cancel()
		// A refusal is a tool's error, which the inspector exits for.
		if err != nil && !strings.Contains(c.want, "refused") ||
			!strings.Contains(string(out), c.want) {
			t.Errorf("%v: %v: no %s in\n%s", c.args, err, c.want, out)
		}
	}
}
