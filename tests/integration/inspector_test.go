package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// inspector returns the MCP inspector's command line, fetched once.
func inspector(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(modules(t, "inspector"), ".bin", "mcp-inspector")
	if out, err := exec.Command(bin, "--cli", "--version").CombinedOutput(); err != nil {
		testhost.Lacks(t, "inspector", "it does not run on this Node: %v\n%s", err, out)
	}
	return bin
}

// The inspector is a client that nobody here wrote: what it prints of a server must not depend on
// mcpbox being in between.
func TestTheInspectorSeesTheSameThroughTheProxy(t *testing.T) {
	bin := inspector(t)
	bare, boxed := proxied(t, "{output: {mark: none}}")
	nodePath, _ := node(t)
	said := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		// The inspector takes flags of the server's command for its own, so the command is a
		// script.
		command := append([]string{}, s.prefix...)
		if len(command) > 0 {
			command = append(command, "--")
		}
		command = append(command, nodePath, filepath.Join(s.modules, everything), "stdio")
		script := filepath.Join(t.TempDir(), "server")
		if err := os.WriteFile(script, []byte("#!/bin/sh\nexec '"+strings.Join(command,
			"' '")+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"--method", "tools/list"},
			{"--method", "tools/call", "--tool-name", "echo", "--tool-arg",
				"message=through and back"},
			{"--method", "resources/list"},
			{"--method", "prompts/list"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			cmd := exec.CommandContext(ctx, bin, append([]string{"--cli", script}, args...)...)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			cancel()
			if err != nil {
				t.Fatalf("%s: %v: %v\n%s", s.name, args, err, stderr.String())
			}
			said[s.name] = append(said[s.name], string(out))
		}
	}
	if !strings.Contains(said["bare"][1], "through and back") {
		t.Errorf("bare, the call says %q", said["bare"][1])
	}
	sameTranscript(t, said["bare"], said["mcpbox"])
}
