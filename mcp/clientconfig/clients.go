package clientconfig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Clients are the names that Paths knows.
func Clients() []string { return []string{"claude-desktop", "claude-code", "cursor", "vscode"} }

// Dirs are the folders that clients keep their configuration in.
type Dirs struct {
	Home   string
	Config string // $XDG_CONFIG_HOME, else ~/.config
	Work   string // the project's
}

// Paths returns where a client keeps its servers, the user's file first, then the project's; any
// other word is a file.
func Paths(client string, d Dirs) []string {
	switch client {
	case "claude-desktop":
		return []string{filepath.Join(d.Config, "Claude", "claude_desktop_config.json")}
	case "claude-code":
		return []string{filepath.Join(d.Home, ".claude.json"), filepath.Join(d.Work, ".mcp.json")}
	case "cursor":
		return []string{filepath.Join(d.Home, ".cursor", "mcp.json"),
			filepath.Join(d.Work, ".cursor", "mcp.json")}
	case "vscode":
		user := filepath.Join(d.Config, "Code", "User")
		return []string{filepath.Join(user, "mcp.json"), filepath.Join(user, "settings.json"),
			filepath.Join(d.Work, ".vscode", "mcp.json")}
	}
	return []string{client}
}

// Find returns the files that hold servers: for a client's name those of its files that are there,
// for a file itself.
func Find(client string, d Dirs) ([]string, error) {
	paths := Paths(client, d)
	if len(paths) == 1 && paths[0] == client {
		if _, err := os.Stat(client); err != nil {
			return nil, hint.Errorf("name a file, or one of: "+strings.Join(Clients(), ", "),
				"client config %s: no such file", client)
		}
		return paths, nil
	}
	var out []string
	for i, p := range paths {
		if slices.Contains(paths[:i], p) {
			continue // the project is the home
		}
		data, err := os.ReadFile(p)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, hint.Errorf("make it readable for your account", "client config: %w", err)
		}
		// Settings without servers are skipped. A file that can't be parsed is reported when it is
		// rewritten.
		if list, err := entries(data); err == nil && len(list) == 0 || lacksServers(data) {
			continue
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, hint.Errorf("give the file itself: --client FILE",
			"no servers found for %s: looked in %s", client, strings.Join(paths, ", "))
	}
	return out, nil
}

// lacksServers reports a valid document that has no place for servers.
func lacksServers(data []byte) bool {
	root, err := parse(data)
	if err != nil || root.kind != kindObject {
		return false
	}
	sections, err := sectionsOf(data, root)
	return err == nil && len(sections) == 0
}
