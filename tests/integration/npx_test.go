package integration

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// Five servers that npx starts are installed, wrapped, and healthy in the clients' own checks.
func TestServersOfNPXAreHealthyInTheirClients(t *testing.T) {
	testhost.Need(t, "registry")
	f := newFirstMinutes(t)
	mcpbox := built.Mcpbox(t)
	npx := func(name string, args ...string) map[string]any {
		return map[string]any{"command": "npx", "args": append([]string{"-y", name}, args...)}
	}
	github := npx("@modelcontextprotocol/server-github")
	github["env"] = map[string]string{"GITHUB_PERSONAL_ACCESS_TOKEN": "made-up"}
	f.servers = map[string]any{
		"memory":     npx("@modelcontextprotocol/server-memory"),
		"everything": npx("@modelcontextprotocol/server-everything"),
		"thinking":   npx("@modelcontextprotocol/server-sequential-thinking"),
		"filesystem": npx("@modelcontextprotocol/server-filesystem", filepath.Join(f.home, "notes")),
		"github":     github,
	}
	for name := range maps.Values(f.servers) {
		words, _ := name.(map[string]any)["args"].([]string)
		f.must(mcpbox, "install", words[1])
	}
	for _, c := range []struct {
		client, file string
		check        []string
	}{
		{"claude-code", ".claude.json",
			[]string{"../@anthropic-ai/claude-code/cli-wrapper.cjs", "mcp", "list"}},
		{"gemini", ".gemini/settings.json", []string{"gemini", "mcp", "list"}},
	} {
		t.Run(c.client, func(t *testing.T) {
			_, now := f.config(c.file)
			said := f.must(mcpbox, "wrap", "--client", c.client)
			if n := strings.Count(said, ": wrapped\n"); n != len(f.servers) {
				t.Fatalf("%d servers wrapped\n%s", n, said)
			}
			health := f.must("node",
				append([]string{filepath.Join(f.bin, c.check[0])}, c.check[1:]...)...)
			for name := range f.servers {
				if !slices.ContainsFunc(strings.Split(health, "\n"), func(line string) bool {
					return strings.Contains(line, name) && strings.Contains(line, "Connected")
				}) {
					t.Errorf("%s is not healthy\n%s\n%s", name, health, now())
				}
			}
			f.must(mcpbox, "unwrap", "--client", c.client)
		})
	}
}
