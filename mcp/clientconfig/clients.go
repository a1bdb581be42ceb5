package clientconfig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Clients returns the names of the known clients.
func Clients() (names []string) {
	for _, c := range clients {
		names = append(names, c.name)
	}
	return names
}

// Dirs holds the folders in which clients keep their configuration.
type Dirs struct {
	Home   string
	Config string // $XDG_CONFIG_HOME, else ~/.config
	Work   string // the project's
}

// client is one row of the list: the files in which a client keeps its servers, according to its
// documentation. A path may contain *; ~ is the home, $C the configuration folder, . the project.
type client struct {
	name  string
	paths []string
}

var clients = []client{
	{"claude-desktop", []string{"$C/Claude/claude_desktop_config.json"}},
	{"claude-code", []string{"~/.claude.json", "./.mcp.json"}},
	{"cursor", []string{"~/.cursor/mcp.json", "./.cursor/mcp.json"}},
	{"vscode", []string{"$C/Code/User/mcp.json", "$C/Code/User/settings.json",
		"./.vscode/mcp.json"}},
	{"windsurf", []string{"~/.codeium/windsurf/mcp_config.json"}},
	{"cline", []string{"$C/Code/User/globalStorage/saoudrizwan.claude-dev/settings/" +
		"cline_mcp_settings.json", "~/.cline/data/settings/cline_mcp_settings.json"}},
	{"roo", []string{"$C/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/" +
		"mcp_settings.json", "./.roo/mcp.json"}},
	{"gemini", []string{"~/.gemini/settings.json", "./.gemini/settings.json"}},
	{"lm-studio", []string{"~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json"}},
	{"zed", []string{"$C/zed/settings.json", "./.zed/settings.json"}},
	{"opencode", []string{"$C/opencode/opencode.json", "$C/opencode/opencode.jsonc",
		"./opencode.json", "./opencode.jsonc"}},
	{"amp", []string{"$C/amp/settings.json", "./.amp/settings.json"}},
	{"copilot", []string{"~/.copilot/mcp-config.json"}},
	{"codex", []string{"~/.codex/config.toml", "./.codex/config.toml"}},
	{"goose", []string{"$C/goose/config.yaml"}},
	{"continue", []string{"~/.continue/config.yaml", "./.continue/mcpServers/*.yaml",
		"./.continue/mcpServers/*.json"}},
	{"mcporter", []string{"~/.mcporter/mcporter.json", "./config/mcporter.json"}},
}

// Paths returns the files in which a client keeps its servers: first the user's, then the
// project's. If name is not a client, it is a file.
func Paths(name string, d Dirs) (out []string) {
	i := slices.IndexFunc(clients, func(c client) bool { return c.name == name })
	if i < 0 {
		return []string{name}
	}
	for _, p := range clients[i].paths {
		first, rest, _ := strings.Cut(p, "/")
		path := filepath.Join(map[string]string{"~": d.Home, "$C": d.Config, ".": d.Work}[first],
			rest)
		if found, err := filepath.Glob(path); err == nil && strings.Contains(path, "*") {
			out = append(out, found...)
			continue
		}
		out = append(out, path)
	}
	return out
}

// Find returns the files with servers. For a client's name these are the client's existing files. A
// file's name is returned as it is.
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
			continue // the project's folder is the home folder
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
		format, err := FormatOf(p, data)
		if err != nil || lacksServers(data, format) {
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

// lacksServers reports whether data is a valid document without servers.
func lacksServers(data []byte, f Format) bool {
	root, err := parse(data, f)
	if err != nil || root.kind != kindObject {
		return false
	}
	sections, err := sectionsOf(data, root)
	if err == nil && len(sections) == 0 {
		return true
	}
	list, err := entries(data, f)
	return err == nil && len(list) == 0
}

// Project returns the folder in which the client of this file starts its servers: the project's
// folder. It returns "" for a user's file, because then the folder is unknown.
func Project(path string, d Dirs) string {
	for _, c := range clients {
		for _, p := range c.paths {
			rest, ok := strings.CutPrefix(p, "./")
			if root, match := cutSuffixPath(path, rest); ok && match && root != d.Home {
				return root
			}
		}
		if slices.Contains(Paths(c.name, d), path) {
			return ""
		}
	}
	return filepath.Dir(path)
}

// cutSuffixPath removes a relative path from the end. Its last part may be a pattern.
func cutSuffixPath(path, rest string) (string, bool) {
	for {
		match, err := filepath.Match(filepath.Base(rest), filepath.Base(path))
		if err != nil || !match {
			return "", false
		}
		path, rest = filepath.Dir(path), filepath.Dir(rest)
		if rest == "." {
			return path, true
		}
	}
}
