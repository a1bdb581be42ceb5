package code

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// messages collects progress.
type messages struct {
	mu   sync.Mutex
	list []string
}

func (m *messages) add(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, text)
}

func (m *messages) has(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.list {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

func connect(t *testing.T, transport mcp.Transport) (*mcp.ClientSession, *messages) {
	t.Helper()
	said := &messages{}
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context,
			r *mcp.ProgressNotificationClientRequest) {
			said.add(r.Params.Message)
		},
	})
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session, said
}

func stdio(t *testing.T) (*mcp.ClientSession, *messages) {
	testhost.Need(t, "sandbox", "python3")
	return connect(t, &mcp.CommandTransport{Command: exec.Command(built.Mcpbox(t), "mcp-server")})
}

type answer struct {
	Available bool   `json:"available"`
	Success   bool   `json:"success"`
	Status    string `json:"status"`
	ExitCode  int    `json:"exit_code"`
	Stdout    string `json:"stdout"`
	Reason    string `json:"reason"`
	Hint      string `json:"hint"`
	Findings  []struct {
		Rule string `json:"rule"`
	} `json:"findings"`
	Files []struct {
		Name string `json:"name"`
		URI  string `json:"uri"`
	} `json:"files"`
}

func call(
	t *testing.T,
	s *mcp.ClientSession,
	tool string,
	args map[string]any,
) (answer, *mcp.CallToolResult, string) {
	t.Helper()
	params := &mcp.CallToolParams{Name: tool, Arguments: args}
	params.SetProgressToken("p")
	res, err := s.CallTool(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	data, _ := json.Marshal(res.StructuredContent)
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	text, _ := res.Content[0].(*mcp.TextContent)
	return a, res, text.Text
}

func python3(
	code string,
) map[string]any {
	return map[string]any{"language": "python", "code": code}
}

func TestTheServerRunsCode(t *testing.T) {
	s, said := stdio(t)
	tools, err := s.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) != 2 {
		t.Fatalf("%+v %v", tools, err)
	}
	for _, tool := range tools.Tools {
		if tool.OutputSchema == nil || tool.InputSchema == nil || tool.Description == "" {
			t.Errorf("%s lacks a schema or a description", tool.Name)
		}
	}
	a, res, text := call(t, s, "run_code", python3("print(6 * 7)"))
	if !a.Success || a.Stdout != "42\n" || res.IsError || !strings.Contains(text, "stdout:\n42\n") {
		t.Errorf("%+v\n%s", a, text)
	}
	if !said.has("run") {
		t.Errorf("progress: %v", said.list)
	}
	a, res, text = call(t, s, "run_code",
		python3("import sys\nprint('half')\nraise ValueError('bad')"))
	if a.Success || a.ExitCode != 1 || !res.IsError || !strings.Contains(text, "exit code 1") ||
		!strings.Contains(text, "ValueError: bad") ||
		!strings.Contains(text, "half") {
		t.Errorf("%+v\n%s", a, text)
	}
	a, _, text = call(t, s, "secure_sandbox", python3("x = 1\nimport subprocess"))
	if a.Status != "refused" || len(a.Findings) == 0 ||
		!strings.Contains(text, "line 2, column 1") ||
		!strings.Contains(text, "What to change") {
		t.Errorf("%+v\n%s", a, text)
	}
	a, _, text = call(t, s, "secure_sandbox", python3("while True: pass"))
	if a.Status != "timeout" || !strings.Contains(text, "took too long") {
		t.Errorf("%+v\n%s", a, text)
	}
	a, _, _ = call(
		t,
		s,
		"run_code",
		map[string]any{
			"language": "bash",
			"code":     "cat; cat data/x; echo $1",
			"stdin":    "in ",
			"args":     []string{"arg"},
			"files":    []map[string]any{{"name": "data/x", "base64": "eCA="}},
		},
	)
	if a.Stdout != "in x arg\n" {
		t.Errorf("%+v", a)
	}
	_, res, text = call(t, s, "run_code", map[string]any{"language": "cobol", "code": "x"})
	if !res.IsError || !strings.Contains(text, "use one of: python") {
		t.Errorf("an unknown language: %s", text)
	}
}

func TestCallsOfASessionShareTheirState(t *testing.T) {
	s, _ := stdio(t)
	in := func(name, code string) (answer, string) {
		args := python3(code)
		args["session"] = name
		a, _, text := call(t, s, "run_code", args)
		return a, text
	}
	in("one", "x = 41")
	if a, text := in("one", "x += 1; print(x)"); a.Stdout != "42\n" {
		t.Errorf("%+v\n%s", a, text)
	}
	if a, text := in("two", "print('x' in globals())"); a.Stdout != "False\n" {
		t.Errorf("%+v\n%s", a, text)
	}
	if _, text := in("one", "import os; os._exit(1)"); !strings.Contains(text,
		"session has ended") {
		t.Errorf("%s", text)
	}
	args := python3("1")
	args["session"] = "one"
	if _, res, text := call(t, s, "secure_sandbox", args); !res.IsError || !strings.Contains(text,
		"no sessions") {
		t.Errorf("%s", text)
	}
}

func TestFilesAreResources(t *testing.T) {
	s, _ := stdio(t)
	a, res, _ := call(
		t,
		s,
		"run_code",
		python3(
			"open('/work/out/a b.txt', 'w').write('text')\nopen('/work/out/bin', "+
				"'wb').write(b'\\xff\\x00')",
		),
	)
	if len(a.Files) != 2 || len(res.Content) != 3 {
		t.Fatalf("%+v", a)
	}
	link, ok := res.Content[1].(*mcp.ResourceLink)
	if !ok || link.URI != a.Files[0].URI {
		t.Fatalf("%+v", res.Content[1])
	}
	text, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: a.Files[0].URI})
	if err != nil || text.Contents[0].Text != "text" {
		t.Errorf("%+v %v", text, err)
	}
	blob, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: a.Files[1].URI})
	if err != nil || string(blob.Contents[0].Blob) != "\xff\x00" {
		t.Errorf("%+v %v", blob, err)
	}
	for _, bad := range []string{"mcpbox://executions/x/../../etc/passwd",
		"mcpbox://executions/none/a"} {
		if _, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: bad}); err == nil {
			t.Errorf("%s could be read", bad)
		}
	}
}

// A cancelled call's program is killed, not only forgotten.
func TestACancelledCallIsKilled(t *testing.T) {
	s, said := stdio(t)
	mark := "mcpbox-cancel-" + strings.ReplaceAll(t.TempDir(), "/", "-")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		params := &mcp.CallToolParams{
			Name: "run_code",
			Arguments: map[string]any{
				"language": "bash",
				"code":     "while true; do sleep 0.1; done",
				"args":     []string{mark},
			},
		}
		params.SetProgressToken("p")
		_, err := s.CallTool(ctx, params)
		ended <- err
	}()
	until(t, "the program runs", func() bool { return said.has("run") && runs(mark) })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	until(t, "the program is gone", func() bool { return !runs(mark) })
	if a, _, _ := call(t, s, "run_code", python3("print(1)")); a.Stdout != "1\n" {
		t.Errorf("the server does not go on: %+v", a)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
	}
}

// runs looks for a process with mark among its arguments.
func runs(mark string) bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range all {
		if data, err := os.ReadFile(p); err == nil && strings.Contains(string(data), mark) {
			return true
		}
	}
	return false
}

// A script writes its calls and closes its side: every call is answered before the server ends.
func TestCallsAreAnsweredAfterTheEndOfInput(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	server := exec.Command(built.Mcpbox(t), "mcp-server")
	server.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"run_code","arguments":{"language":"python","code":"print(6*7)"}}}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"secure_sandbox","arguments":{"language":"python","code":"print(7*8)"}}}
`)
	out, err := server.Output()
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, want := range []string{`"id":2,`, `"stdout":"42\n"`, `"id":3,`, `"stdout":"56\n"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
}

func TestCallsAtOnce(t *testing.T) {
	s, _ := stdio(t)
	var all sync.WaitGroup
	for range 12 {
		all.Add(1)
		go func() {
			defer all.Done()
			res, err := s.CallTool(t.Context(),
				&mcp.CallToolParams{Name: "run_code", Arguments: python3("print('x')")})
			if err != nil || res.IsError {
				t.Errorf("%+v %v", res, err)
			}
		}()
	}
	all.Wait()
}

// served starts the server on a free port and returns its URL.
func served(t *testing.T, env ...string) string {
	t.Helper()
	testhost.Need(t, "sandbox", "python3")
	cmd := exec.Command(built.Mcpbox(t), "mcp-server", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "mcpbox: "))
}

func TestOverHTTP(t *testing.T) {
	s, said := connect(t, &mcp.StreamableClientTransport{Endpoint: served(t)})
	if a, _, _ := call(t, s, "run_code",
		python3("print('over http')")); a.Stdout != "over http\n" ||
		!said.has("run") {
		t.Errorf("%+v %v", a, said.list)
	}
}

func TestHTTPRefusesStrangers(t *testing.T) {
	url := served(t, "MCPBOX_TOKEN=secret")
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`
	for _, c := range []struct {
		name   string
		header map[string]string
		host   string
		want   int
	}{
		{"with the token", map[string]string{"Authorization": "Bearer secret"}, "", 200},
		{"without a token", nil, "", 401},
		{"with another token", map[string]string{"Authorization": "Bearer secret2"}, "", 401},
		{"a page of another site", map[string]string{"Authorization": "Bearer secret",
			"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, "", 403},
		{"a name that was rebound", map[string]string{"Authorization": "Bearer secret"},
			"evil.example", 403},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		if c.host != "" {
			req.Host = c.host
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
	}
	out, err := exec.Command(built.Mcpbox(t), "mcp-server", "--listen", "0.0.0.0:0").
		CombinedOutput()
	if err == nil || !strings.Contains(string(out), "not a loopback address") {
		t.Errorf("it listens to everybody: %s", out)
	}
}

// Where the host can't sandbox, the tools say so, and nothing runs. An unmapped root in a namespace
// without more namespaces is such a host.
func TestWithoutSandboxesItSaysSo(t *testing.T) {
	testhost.Need(t, "sandbox", "python3", "root")
	script := `echo 0 > /proc/sys/user/max_user_namespaces 2>/dev/null; exec "$0" mcp-server`
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script,
		built.Mcpbox(t))
	s, _ := connect(t, &mcp.CommandTransport{Command: cmd})
	a, res, text := call(t, s, "run_code", python3("print('bare')"))
	if a.Available || a.Stdout != "" || !res.IsError || a.Reason == "" ||
		!strings.HasPrefix(text, "Not available: ") {
		t.Errorf("%+v\n%s", a, text)
	}
	t.Log(a.Reason)
}
