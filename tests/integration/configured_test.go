package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// configured is a server as its page says to configure it, and calls that show that it works.
type configured struct {
	name  string
	entry map[string]any
	calls []*mcp.CallToolParams
	want  string // in the answers
	wrote string // a file that is not empty afterwards, in the home folder; "": none
	flags string // that wrap gives it, apart from mounts
}

func program(command string, args ...string) map[string]any {
	return map[string]any{"command": command, "args": args}
}

func ask(name string, args map[string]any) *mcp.CallToolParams {
	return &mcp.CallToolParams{Name: name, Arguments: args}
}

// configuredServers are the servers of a new user whose home folder has notes, repo and data.
func configuredServers(t *testing.T, home string) []configured {
	t.Helper()
	official, clients := modules(t, "."), modules(t, "clients")
	sqlite, err := filepath.Abs("clients/servers/sqlite.py")
	if err != nil {
		t.Fatal(err)
	}
	notes, repo := filepath.Join(home, "notes"), filepath.Join(home, "repo")
	out := []configured{
		{name: "memory",
			entry: program("node", filepath.Join(official,
				"@modelcontextprotocol/server-memory/dist/index.js")),
			calls: []*mcp.CallToolParams{ask("create_entities", map[string]any{
				"entities": []any{map[string]any{"name": "mcpbox", "entityType": "tool",
					"observations": []string{"works"}}}})},
			want: "works", wrote: ".local/share/mcpbox/homes/memory/memory.jsonl"},
		{name: "filesystem",
			entry: program(filepath.Join(official, ".bin/mcp-server-filesystem"), notes),
			calls: []*mcp.CallToolParams{ask("write_file", map[string]any{
				"path": filepath.Join(notes, "a.txt"), "content": "hello"})},
			want: "a.txt", wrote: "notes/a.txt"},
		{name: "git",
			entry: program(filepath.Join(clients, ".bin/mcp-git"), repo),
			calls: []*mcp.CallToolParams{ask("git_status", map[string]any{"repo_path": repo})},
			want:  "branch"},
		{name: "sqlite",
			entry: program("python3", sqlite, filepath.Join(home, "data", "notes.db")),
			calls: []*mcp.CallToolParams{ask("add_note", map[string]any{"text": "hello"})},
			want:  "text", wrote: "data/notes.db"},
	}
	out = append(out, nativeServers(modules(t, "native"))...)
	if chromium, err := exec.LookPath("chromium"); err == nil {
		out = append(out, browserServers(modules(t, "browsers"), chromium)...)
	} else {
		t.Log("without the servers that drive Chromium: chromium is not installed")
	}
	return out
}

// nativeServers are programs of their own: .NET, Rust and Go.
func nativeServers(modules string) []configured {
	const noon = "2026-01-01T12:00:00Z"
	return []configured{
		{name: "azure", // .NET
			entry: program(filepath.Join(modules, ".bin/azmcp-linux-x64"), "server", "start"),
			calls: []*mcp.CallToolParams{ask("get_azure_bestpractices", map[string]any{
				"intent": "best practices", "command": "get_azure_bestpractices_get",
				"parameters": map[string]any{"resource": "general", "action": "all"}})},
			want: "Azure"},
		{name: "cortex", // Rust
			entry: map[string]any{"args": nil, "command": filepath.Join(modules,
				"@temporal-cortex/cortex-mcp-linux-x64/bin/cortex-mcp")},
			calls: []*mcp.CallToolParams{ask("convert_timezone", map[string]any{
				"datetime": noon, "target_timezone": "Asia/Tokyo"})},
			want: "2026-01-01T21:00:00"},
		{name: "time", // Go
			entry: map[string]any{"command": filepath.Join(modules,
				"mcp-time-linux-x64/bin/mcp-time")},
			calls: []*mcp.CallToolParams{ask("convert_timezone", map[string]any{"time": noon,
				"input_timezone": "UTC", "output_timezone": "Asia/Tokyo"})},
			want: "2026-01-01T21:00:00"},
	}
}

// browserServers drive Chromium: each opens a page and reads it.
func browserServers(modules, chromium string) []configured {
	const page = "data:text/html,<title>inside</title><h1>six times seven</h1>"
	node := func(script string, args ...string) map[string]any {
		return program("node", append([]string{filepath.Join(modules, script)}, args...)...)
	}
	puppeteer := node("@modelcontextprotocol/server-puppeteer/dist/index.js")
	puppeteer["env"] = map[string]any{"PUPPETEER_EXECUTABLE_PATH": chromium,
		"ALLOW_DANGEROUS":          "true",
		"PUPPETEER_LAUNCH_OPTIONS": `{"headless": true, "args": ["--no-sandbox"]}`}
	out := []configured{
		{name: "playwright",
			entry: node("@playwright/mcp/cli.js", "--headless", "--isolated", "--no-sandbox",
				"--executable-path", chromium),
			calls: []*mcp.CallToolParams{ask("browser_navigate", map[string]any{"url": page}),
				ask("browser_snapshot", map[string]any{})}},
		{name: "puppeteer", entry: puppeteer,
			calls: []*mcp.CallToolParams{ask("puppeteer_navigate", map[string]any{"url": page}),
				ask("puppeteer_evaluate", map[string]any{
					"script": "document.querySelector('h1').textContent"})}},
		{name: "chrome-devtools",
			entry: node("chrome-devtools-mcp/build/src/bin/chrome-devtools-mcp.js", "--headless",
				"--isolated", "--executablePath", chromium, "--chromeArg=--no-sandbox"),
			calls: []*mcp.CallToolParams{
				ask("navigate_page", map[string]any{"pageId": 1, "url": page}),
				ask("take_snapshot", map[string]any{"pageId": 1})}},
	}
	for i := range out {
		out[i].want, out[i].flags = "six times seven", "--policy browser"
	}
	return out
}

// firstMinutes is a new user's folder: servers in a configuration, as their pages say to write it.
type firstMinutes struct {
	t       *testing.T
	home    string
	clients string // the folder of the clients' packages
	servers []configured
}

func newFirstMinutes(t *testing.T) *firstMinutes {
	testhost.Need(t, "sandbox", "node", "python3", "git")
	f := &firstMinutes{t: t, home: t.TempDir(), clients: modules(t, "clients")}
	for _, dir := range []string{"notes", "repo", "data"} {
		if err := os.Mkdir(filepath.Join(f.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.must("git", "init", "-q", filepath.Join(f.home, "repo"))
	f.servers = configuredServers(t, f.home)
	return f
}

// config writes a configuration and returns a function that reads what is in it now.
func (f *firstMinutes) config(name string) (before string, now func() string) {
	f.t.Helper()
	servers := map[string]any{}
	for _, s := range f.servers {
		servers[s.name] = s.entry
	}
	data, err := json.MarshalIndent(map[string]any{"mcpServers": servers}, "", "  ")
	if err != nil {
		f.t.Fatal(err)
	}
	path := filepath.Join(f.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return string(data), func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			f.t.Fatal(err)
		}
		return string(data)
	}
}

// callAll starts a server as a configuration says, and makes its calls.
func (f *firstMinutes) callAll(t *testing.T, config string, c configured) (answer string) {
	t.Helper()
	var written struct {
		Servers map[string]struct {
			Command string
			Args    []string
			Env     map[string]string
		} `json:"mcpServers"`
	}
	if err := json.Unmarshal([]byte(config), &written); err != nil {
		t.Fatal(err)
	}
	s := written.Servers[c.name]
	cmd := f.command(s.Command, s.Args...)
	for k, v := range s.Env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	// Some servers end at the first message of newer versions of the protocol.
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd},
		&mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	defer session.Close()
	for _, call := range c.calls {
		res, err := session.CallTool(t.Context(), call)
		if err != nil {
			t.Fatalf("%s: %v\n%s", call.Name, err, stderr.String())
		}
		text, _ := json.Marshal(res.Content)
		if res.IsError {
			t.Errorf("%s: %s\n%s", call.Name, text, stderr.String())
		}
		answer += string(text)
	}
	return answer
}
