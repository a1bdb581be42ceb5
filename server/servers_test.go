package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/server/api"
)

// mcpServer is a small one on the stdio transport.
const mcpServer = `
import ctypes, json, os, sys
TOOLS = [{"name": n, "description": n, "inputSchema": {"type": "object"}} for n in ("count", "attack", "end", "hidden", "hang")]
n = 0
def say(o): print(json.dumps({"jsonrpc": "2.0", **o}), flush=True)
for line in sys.stdin:
    m = json.loads(line)
    method, params = m.get("method"), m.get("params") or {}
    if "id" not in m: continue
    if method == "initialize":
        say({"id": m["id"], "result": {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}, "logging": {}},
            "serverInfo": {"name": "small", "version": "1"}}})
    elif method == "tools/list": say({"id": m["id"], "result": {"tools": TOOLS}})
    elif method == "tools/call":
        n += 1
        text = str(n)
        if params["name"] == "attack": text = str(ctypes.CDLL(None).ptrace(16, 1, 0, 0))
        if params["name"] == "end": os._exit(3)
        if params["name"] == "hang": continue
        say({"method": "notifications/message", "params": {"level": "info", "data": "counted"}})
        say({"id": m["id"], "result": {"content": [{"type": "text", "text": text}]}})
    else: say({"id": m["id"], "result": {}})
`

func startMCP(t *testing.T, more string) *daemon {
	t.Helper()
	return startSmall(t, more, "")
}

// startMCPWith adds keys to the daemon's config.
func startMCPWith(t *testing.T, config string) *daemon {
	t.Helper()
	return startSmall(t, "", config)
}

func startSmall(t *testing.T, more, config string) *daemon {
	t.Helper()
	dir := folder(t)
	write(t, filepath.Join(dir, "server.py"), mcpServer)
	write(
		t,
		filepath.Join(dir, "small.yaml"),
		"version: 1\nextends: standard\nfilesystem: {mounts: [{source: "+dir+
			"/server.py, target: /srv/server.py}]}\nmcp: {tools: {deny: [hidden]}}\n",
	)
	return start(
		t,
		dir,
		"policies: {small: small.yaml}\nservers: {small: {command: [python3, /srv/server.py], "+
			"policy: small"+more+"}}\n"+config,
	)
}

// connect makes a session with the Go SDK's client.
func (d *daemon) connect(t *testing.T, path string, opt *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, opt)
	s, err := c.Connect(
		background(t),
		&mcp.StreamableClientTransport{
			Endpoint:   "http://mcpbox" + path,
			HTTPClient: d.http(),
			MaxRetries: -1,
		},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func text(t *testing.T, s *mcp.ClientSession, tool string, args any) string {
	t.Helper()
	res, err := s.CallTool(background(t), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range res.Content {
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}

func TestMCPServersByHTTP(t *testing.T) {
	d := startMCP(t, "")
	told := make(chan string, 1024) // the client waits for its handlers
	one := d.connect(
		t,
		"/v1/servers/small/mcp",
		&mcp.ClientOptions{
			//nolint:staticcheck // deprecated as of 2026-07-28, and still what servers send
			LoggingMessageHandler: func(_ context.Context, r *mcp.LoggingMessageRequest) {
				told <- r.Params.Data.(string)
			},
		},
	)
	two := d.connect(t, "/v1/servers/small/mcp", nil)
	t.Run("the proxy's rules apply", func(t *testing.T) {
		list, err := one.ListTools(background(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range list.Tools {
			if tool.Name == "hidden" {
				t.Error("a denied tool is listed")
			}
		}
		if got := text(t, one, "hidden", nil); strings.Contains(got, `"1"`) {
			t.Errorf("a denied tool was called: %s", got)
		}
	})
	t.Run("each client has a server of its own", func(t *testing.T) {
		for range 2 {
			text(t, one, "count", nil)
		}
		if a, b := text(t, one, "count", nil), text(
			t,
			two,
			"count",
			nil,
		); !strings.Contains(a, "3") ||
			strings.Contains(b, "3") {
			t.Errorf("one %s, two %s", a, b)
		}
	})
	t.Run("what is said unasked comes", func(t *testing.T) {
		select {
		case <-told:
		case <-time.After(patience):
			t.Error("no message came")
		}
	})
	t.Run("calls at the same time get their own answers", func(t *testing.T) {
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := one.CallTool(
					background(t),
					&mcp.CallToolParams{Name: "count"},
				); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	t.Run("an attack is refused, and is the client's event", func(t *testing.T) {
		if got := text(t, one, "attack", nil); !strings.Contains(got, "-1") {
			t.Errorf("ptrace: %s", got)
		}
		// The answer does not wait for the event: a session's go through a queue of their own.
		page, err := d.Events(background(t), url.Values{"type": {"escape_attempt"}})
		end := time.Now().Add(patience)
		for err == nil && len(page.Events) == 0 && time.Now().Before(end) {
			time.Sleep(5 * time.Millisecond)
			page, err = d.Events(background(t), url.Values{"type": {"escape_attempt"}})
		}
		if err != nil || len(page.Events) == 0 || page.Events[0].Client == "" ||
			page.Events[0].Call == nil ||
			page.Events[0].Call.Tool != "attack" {
			t.Errorf("%+v, %v", page, err)
		}
	})
	t.Run(
		"a server that ends takes its session along, and the next one starts",
		func(t *testing.T) {
			if _, err := two.CallTool(background(t), &mcp.CallToolParams{Name: "end"}); err == nil {
				t.Error("the call succeeded")
			}
			if got := text(t, d.connect(t, "/v1/servers/small/mcp", nil), "count",
				nil); !strings.Contains(
				got,
				"1",
			) {
				t.Error(got)
			}
		},
	)
}

func TestRunCodeByHTTP(t *testing.T) {
	d := start(t, folder(t), "")
	s := d.connect(t, "/v1/mcp", nil)
	if got := text(t, s, "run_code",
		map[string]any{"language": "python", "code": "print(6*7)"}); !strings.Contains(
		got,
		"42",
	) {
		t.Error(got)
	}
}

func TestAnMCPSessionIsItsClientsOwn(t *testing.T) {
	dir := folder(t)
	d := start(t, dir, "listen: 127.0.0.1:0\n"+tokenLine(token))
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	const ping = `{"jsonrpc":"2.0","id":2,"method":"ping"}`
	status, body, h := d.raw(t, "POST", "/v1/mcp", hello)
	id := h.Get("Mcp-Session-Id")
	if status != 200 || id == "" {
		t.Fatalf("%d %s", status, body)
	}
	if status, body, _ := d.raw(t, "POST", "/v1/mcp", ping, "Mcp-Session-Id", id); status != 200 {
		t.Errorf("its own client: %d %s", status, body)
	}
	for _, method := range []string{"POST", "GET", "DELETE"} {
		status, body, _ := do(t, new(http.Client), method, d.tcp+"/v1/mcp", ping, "Mcp-Session-Id",
			id, "Authorization", "Bearer "+token)
		if status != 404 {
			t.Errorf("another client, %s: %d %s", method, status, body)
		}
	}
	for _, c := range []struct {
		what, method, body, session string
		status                      int
	}{
		{"no session", "POST", ping, "", 400}, {"a session that is none", "POST", ping, "x", 404},
		{"no message", "POST", "[]", id, 400}, {"no JSON", "POST", "{", id, 400},
		{"another method", "PUT", ping, id, 405},
		{"the end", "DELETE", "", id, 204}, {"after the end", "POST", ping, id, 404},
	} {
		header := []string{"Mcp-Session-Id", c.session}
		if c.session == "" {
			header = nil
		}
		if status, body, _ := d.raw(t, c.method, "/v1/mcp", c.body, header...); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.what, status, body, c.status)
		}
	}
	if status, body, _ := d.raw(t, "POST", "/v1/servers/none/mcp", hello); status != 404 {
		t.Errorf("a server that is not there: %d %s", status, body)
	}
}

func TestMCPSessionsAreBoundedAndListed(t *testing.T) {
	d := startMCP(t, ", sessions: 1")
	s := d.connect(t, "/v1/servers/small/mcp", nil)
	status, body, h := d.raw(
		t,
		"POST",
		"/v1/servers/small/mcp",
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`,
	)
	if status != 503 || h.Get("Retry-After") == "" {
		t.Errorf("%d %s", status, body)
	}
	var list api.Servers
	if err := d.Do(background(t), "GET", "/v1/servers", nil,
		&list); err != nil || len(list.Servers) != 1 ||
		list.Servers[0].Sessions != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	ctx, leave := context.WithCancel(background(t))
	time.AfterFunc(300*time.Millisecond, leave)
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "hang"}); err == nil {
		t.Error("it did not hang")
	}
	if got := text(t, s, "count", nil); !strings.Contains(got, "2") {
		t.Error(got)
	}
}

func TestAServerThatEndsAtOnceRestsForAWhile(t *testing.T) {
	d := start(t, folder(t), "servers: {bad: {command: ['false']}}\n")
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`
	for range 10 {
		status, body, h := d.raw(t, "POST", "/v1/servers/bad/mcp", hello)
		if status == 503 && h.Get("Retry-After") != "" {
			return
		}
		if status != 502 && !strings.Contains(body, `"error"`) {
			t.Fatalf("%d %s", status, body)
		}
	}
	t.Error("it is started again and again")
}
