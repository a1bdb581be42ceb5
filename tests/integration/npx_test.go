package integration

import (
	"path/filepath"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// Five servers that npx starts are installed, wrapped, and healthy in the clients' own checks.
func TestServersOfNPXAreHealthyInTheirClients(t *testing.T) {
	testhost.Need(t, "registry")
	f := newFirstMinutes(t)
	f.servers = nil
	for name, args := range map[string][]string{
		"memory":     {"@modelcontextprotocol/server-memory"},
		"everything": {"@modelcontextprotocol/server-everything"},
		"thinking":   {"@modelcontextprotocol/server-sequential-thinking"},
		"filesystem": {"@modelcontextprotocol/server-filesystem", filepath.Join(f.home, "notes")},
		"github":     {"@modelcontextprotocol/server-github"},
	} {
		entry := program("npx", append([]string{"-y"}, args...)...)
		if name == "github" {
			entry["env"] = map[string]string{"GITHUB_PERSONAL_ACCESS_TOKEN": "made-up"}
		}
		f.servers = append(f.servers, configured{name: name, entry: entry})
		f.must(built.Mcpbox(t), "install", args[0])
	}
	f.areHealthy(t)
}
