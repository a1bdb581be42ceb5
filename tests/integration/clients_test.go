package integration

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// clientModules returns the folder with the pinned clients, fetched once.
func clientModules(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("clients")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	if newer(filepath.Join(modules, ".package-lock.json"), filepath.Join(dir,
		"package-lock.json")) {
		return modules
	}
	testhost.Need(t, "npm")
	cmd := exec.Command("npm", "ci", "--no-progress", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		testhost.Lacks(t, "registry", "the clients: npm ci: %v\n%s", err, out)
	}
	return modules
}

// firstMinutes is a new user's folder: servers in a configuration, as their pages say to write it.
type firstMinutes struct {
	t       *testing.T
	home    string
	bin     string // of the clients
	servers map[string]any
}

func newFirstMinutes(t *testing.T) *firstMinutes {
	testhost.Need(t, "sandbox", "node", "python3", "git")
	clients, servers := clientModules(t), serverModules(t)
	f := &firstMinutes{t: t, home: t.TempDir(), bin: filepath.Join(clients, ".bin")}
	for _, dir := range []string{"notes", "repo", "data"} {
		if err := os.Mkdir(filepath.Join(f.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.must("git", "init", "-q", filepath.Join(f.home, "repo"))
	sqlite, err := filepath.Abs("clients/servers/sqlite.py")
	if err != nil {
		t.Fatal(err)
	}
	stdio := func(command string, args ...string) map[string]any {
		return map[string]any{"command": command, "args": args}
	}
	f.servers = map[string]any{
		"memory": stdio("node", filepath.Join(servers,
			"@modelcontextprotocol/server-memory/dist/index.js")),
		"filesystem": stdio(filepath.Join(servers, ".bin/mcp-server-filesystem"),
			filepath.Join(f.home, "notes")),
		"git":    stdio(filepath.Join(f.bin, "mcp-git"), filepath.Join(f.home, "repo")),
		"sqlite": stdio("python3", sqlite, filepath.Join(f.home, "data", "notes.db")),
	}
	return f
}

func (f *firstMinutes) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	f.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = f.home
	cmd.Env = append(os.Environ(), "HOME="+f.home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=",
		"GEMINI_CLI_TRUST_WORKSPACE=true", "NO_COLOR=1")
	return cmd
}

func (f *firstMinutes) must(name string, args ...string) string {
	f.t.Helper()
	out, err := f.command(name, args...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// config writes a configuration and returns a function that reads what is in it now.
func (f *firstMinutes) config(name string) (before string, now func() string) {
	f.t.Helper()
	data, err := json.MarshalIndent(map[string]any{"mcpServers": f.servers}, "", "  ")
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

// A plain `mcpbox wrap` leaves every server healthy, as the clients' own health checks see it.
func TestWrappedServersAreHealthyInTheirClients(t *testing.T) {
	f := newFirstMinutes(t)
	mcpbox := built.Mcpbox(t)
	for _, c := range []struct {
		client, file string
		check        []string
		healthy      string
	}{
		{"claude-code", ".claude.json", []string{"../@anthropic-ai/claude-code/cli-wrapper.cjs",
			"mcp", "list"}, "Connected"},
		{"gemini", ".gemini/settings.json", []string{"gemini", "mcp", "list"}, "Connected"},
		{"mcporter", "config/mcporter.json", []string{"mcporter", "list"}, "tool"},
	} {
		t.Run(c.client, func(t *testing.T) {
			_, now := f.config(c.file)
			said := f.must(mcpbox, "wrap", "--client", c.client)
			if n := strings.Count(said, ": wrapped\n"); n != len(f.servers) {
				t.Fatalf("%d servers wrapped\n%s", n, said)
			}
			wrapped := now()
			health := f.must("node", append([]string{filepath.Join(f.bin, c.check[0])},
				c.check[1:]...)...)
			for name := range maps.Keys(f.servers) {
				found := false
				for line := range strings.Lines(health) {
					found = found || strings.Contains(line, name) && strings.Contains(line, c.healthy)
				}
				if !found {
					t.Errorf("%s is not healthy\n%s\n%s", name, health, wrapped)
				}
			}
			f.must(mcpbox, "unwrap", "--client", c.client)
			if n := strings.Count(now(), mcpbox); n != 0 {
				t.Errorf("mcpbox is still there %d times\n%s", n, now())
			}
		})
	}
}

// What wrap writes is enough for the servers' work: each changes what it is for.
func TestWrappedServersDoTheirWork(t *testing.T) {
	f := newFirstMinutes(t)
	before, now := f.config("mcp.json")
	mcpbox := built.Mcpbox(t)
	f.must(mcpbox, "wrap", "--client", filepath.Join(f.home, "mcp.json"))
	var written struct {
		Servers map[string]struct {
			Command string
			Args    []string
		} `json:"mcpServers"`
	}
	if err := json.Unmarshal([]byte(now()), &written); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]struct {
		tool string
		args map[string]any
	}{
		"memory": {"create_entities", map[string]any{"entities": []any{map[string]any{
			"name": "mcpbox", "entityType": "tool", "observations": []string{"works"}}}}},
		"filesystem": {"write_file", map[string]any{"path": filepath.Join(f.home, "notes", "a.txt"),
			"content": "hello"}},
		"git":    {"git_status", map[string]any{"repo_path": filepath.Join(f.home, "repo")}},
		"sqlite": {"add_note", map[string]any{"text": "hello"}},
	} {
		s := written.Servers[name]
		cmd := f.command(s.Command, s.Args...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
		session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, stderr.String())
		}
		res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: call.tool,
			Arguments: call.args})
		if err != nil || res.IsError {
			text, _ := json.Marshal(res)
			t.Errorf("%s: %v %s\n%s", name, err, text, stderr.String())
		}
		session.Close()
	}
	for _, path := range []string{"notes/a.txt", "data/notes.db",
		".local/share/mcpbox/homes/memory/memory.jsonl"} {
		if st, err := os.Stat(filepath.Join(f.home, path)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	f.must(mcpbox, "unwrap", "--client", filepath.Join(f.home, "mcp.json"))
	if now() != before {
		t.Errorf("not as before:\n%s", now())
	}
}
