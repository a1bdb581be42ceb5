package integration

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// browserModules returns the folder with the pinned servers that drive Chromium, fetched once.
func browserModules(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("browsers")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	lock := filepath.Join(dir, "package-lock.json")
	if newer(filepath.Join(modules, ".package-lock.json"), lock) {
		return modules
	}
	testhost.Need(t, "npm")
	cmd := exec.Command("npm", "ci", "--no-progress", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		testhost.Lacks(t, "registry", "the servers: npm ci: %v\n%s", err, out)
	}
	return modules
}

// browserServer is a server that drives Chromium, as its page says to configure it, and calls that
// open a page and read it.
type browserServer struct {
	name  string
	entry map[string]any
	calls []*mcp.CallToolParams
}

func browserServers(modules, chromium string) []browserServer {
	const page = "data:text/html,<title>inside</title><h1>six times seven</h1>"
	node := func(script string, args ...string) map[string]any {
		return map[string]any{"command": "node",
			"args": append([]string{filepath.Join(modules, script)}, args...)}
	}
	call := func(name string, args map[string]any) *mcp.CallToolParams {
		return &mcp.CallToolParams{Name: name, Arguments: args}
	}
	puppeteer := node("@modelcontextprotocol/server-puppeteer/dist/index.js")
	puppeteer["env"] = map[string]any{"PUPPETEER_EXECUTABLE_PATH": chromium,
		"ALLOW_DANGEROUS":          "true",
		"PUPPETEER_LAUNCH_OPTIONS": `{"headless": true, "args": ["--no-sandbox"]}`}
	return []browserServer{
		{"playwright", node("@playwright/mcp/cli.js", "--headless", "--isolated", "--no-sandbox",
			"--executable-path", chromium),
			[]*mcp.CallToolParams{call("browser_navigate", map[string]any{"url": page}),
				call("browser_snapshot", map[string]any{})}},
		{"puppeteer", puppeteer,
			[]*mcp.CallToolParams{call("puppeteer_navigate", map[string]any{"url": page}),
				call("puppeteer_evaluate", map[string]any{
					"script": "document.querySelector('h1').textContent"})}},
		{"chrome-devtools", node("chrome-devtools-mcp/build/src/bin/chrome-devtools-mcp.js",
			"--headless", "--isolated", "--executablePath", chromium, "--chromeArg=--no-sandbox"),
			[]*mcp.CallToolParams{call("navigate_page", map[string]any{"pageId": 1, "url": page}),
				call("take_snapshot", map[string]any{"pageId": 1})}},
	}
}

// The three servers that drive Chromium work behind a plain wrap: each opens a page inside.
func TestServersThatDriveChromiumWorkBehindWrap(t *testing.T) {
	testhost.Need(t, "sandbox", "node", "chromium")
	modules := browserModules(t)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range browserServers(modules, chromium) {
		t.Run(c.name, func(t *testing.T) {
			f := &firstMinutes{t: t, home: t.TempDir(), servers: map[string]any{c.name: c.entry}}
			_, now := f.config("mcp.json")
			said := f.must(built.Mcpbox(t), "wrap", "--client", filepath.Join(f.home, "mcp.json"))
			if !strings.Contains(said, "--policy browser") {
				t.Fatalf("it has not got the policy browser:\n%s", said)
			}
			answer := callAll(t, f, now(), c)
			if !strings.Contains(answer, "six times seven") {
				t.Errorf("the page is not in %s", answer)
			}
		})
	}
}

// callAll starts a server as a configuration says, and makes its calls.
func callAll(t *testing.T, f *firstMinutes, config string, c browserServer) (answer string) {
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
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
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
		answer += string(text)
	}
	return answer
}
