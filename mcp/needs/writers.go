package needs

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/packages/runner"
)

// writer is a server that is known to write to paths in its configuration.
type writer struct {
	programs []string // parts of its command line: a program, a package, a folder of one
	keys     []string // flags and variables; "" is an argument without a flag
	dirs     bool     // only folders
}

// writers lists the known servers. To write is the purpose of each.
var writers = []writer{
	// write_file, edit_file and move_file in the folders that it is started with
	{[]string{"server-filesystem", "mcp-server-filesystem"}, []string{""}, true},
	// git_commit, git_add, git_checkout
	{[]string{"mcp-server-git", "server-git", "git-mcp-server", "mcp-git"},
		[]string{"", "--repository", "-r", "GIT_BASE_DIR", "REPO_PATH", "LOGS_DIR"}, true},
	// the knowledge graph
	{[]string{"server-memory", "mcp-server-memory"}, []string{"MEMORY_FILE_PATH"}, false},
}

// writingKeys lists flags and variables whose names say that the server writes there.
var writingKeys = []string{"output", "output-dir", "out-dir", "outdir", "log-dir", "log-file",
	"logs-dir", "data-dir", "cache-dir", "storage", "storage-dir", "storage-path",
	"user-data-dir", "download-dir", "db", "db-path", "database", "database-path", "sqlite",
	"memory-file-path", "save-dir"}

// writes reports whether the server is known to write to the path of a key, which is a folder or a
// file.
func (f *finder) writes(key string, folder bool) bool {
	for _, w := range writers {
		if slices.Contains(w.keys, key) && (folder || !w.dirs) && f.runs(w.programs) {
			return true
		}
	}
	if key == "" { // a database of a server for SQLite
		return !folder && f.forSQLite()
	}
	name := strings.ToLower(strings.ReplaceAll(strings.TrimLeft(key, "-"), "_", "-"))
	return slices.ContainsFunc(writingKeys, func(k string) bool {
		return name == k || strings.HasSuffix(name, "-"+k)
	})
}

// runs reports whether the command line starts one of the programs.
func (f *finder) runs(programs []string) bool {
	if r, ok := runner.Parse(f.s.Command); ok {
		return slices.Contains(programs, filepath.Base(r.Name))
	}
	for _, word := range f.s.Command[:min(len(f.s.Command), 3)] {
		for part := range strings.SplitSeq(word, "/") {
			if slices.Contains(programs, strings.ReplaceAll(part, "_", "-")) {
				return true
			}
		}
	}
	return false
}

func (f *finder) forSQLite() bool {
	if r, ok := runner.Parse(f.s.Command); ok {
		return strings.Contains(r.Name, "sqlite")
	}
	return slices.ContainsFunc(f.s.Command[:min(len(f.s.Command), 2)], func(w string) bool {
		return strings.Contains(w, "sqlite")
	})
}

// defaults sets paths for data that a known server would otherwise write where it can't.
func (f *finder) defaults() {
	if f.browser() {
		f.Policy = "browser"
		f.note("it drives Chromium: it gets the policy browser, which has room for it")
	}
	if f.runs([]string{"server-memory", "mcp-server-memory"}) &&
		f.s.Env["MEMORY_FILE_PATH"] == "" && f.h.State != "" {
		f.Home = filepath.Join(f.h.State, safeName(f.s.Name))
		f.Env = append(f.Env, "MEMORY_FILE_PATH=/home/user/memory.jsonl")
		f.note("it would write into its own package: its memory is kept in " + f.Home)
	}
}

// browser reports a server that drives Chromium, which needs more processes and memory than the
// preset standard gives.
func (f *finder) browser() bool {
	if r, ok := runner.Parse(f.s.Command); ok && r.Name == "@playwright/mcp" {
		return true
	}
	return f.runs([]string{"playwright-mcp", "@playwright", "mcp-server-playwright",
		"server-puppeteer", "mcp-server-puppeteer", "puppeteer-mcp-server", "chrome-devtools-mcp"})
}

// safeName returns a server's name in a form that is safe for a folder.
func safeName(name string) string {
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' ||
			r == '_' {
			return r
		}
		return '_'
	}, name)
	if out == "" {
		return "_"
	}
	return out
}
