package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/server"
	"github.com/mcpbox/mcpbox/server/client"
)

// echo is a small MCP server that knows its own name.
const echo = `
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    r = {}
    if m["method"] == "initialize":
        r = {"protocolVersion": m["params"]["protocolVersion"], "capabilities": {"tools": {}},
            "serverInfo": {"name": sys.argv[1], "version": "1"}}
    if m["method"] == "tools/list":
        r = {"tools": [{"name": "name", "inputSchema": {"type": "object"}}]}
    if m["method"] == "tools/call":
        r = {"content": [{"type": "text", "text": "I am " + sys.argv[1]}]}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
`

// daemon starts a daemon with three servers.
func daemon(t *testing.T) *client.Client {
	t.Helper()
	testhost.Need(t, "sandbox", "python3")
	dir, err := os.MkdirTemp("/tmp", "gateway-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := "version: 1\npolicies: {echo: echo.yaml}\nservers:\n"
	for _, name := range []string{"one", "two", "three"} {
		config += "  " + name + ": {command: [python3, /srv/echo.py, " + name + "], policy: echo}\n"
	}
	for name, text := range map[string]string{
		"echo.py":    echo,
		"serve.yaml": config,
		"echo.yaml": "version: 1\nextends: standard\n" +
			"filesystem: {mounts: [{source: echo.py, target: /srv/echo.py}]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(dir, "s.sock")
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, server.Options{
			ConfigFile: filepath.Join(dir, "serve.yaml"), Socket: socket, BestEffort: true,
			State: filepath.Join(dir, "state"), Ready: func([]string) { close(ready) },
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	box, err := client.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func post(t *testing.T, url, body string) string {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s %v", url, body, res.Status, err)
	}
	return string(data)
}

func TestToolsAndCodeAtOnce(t *testing.T) {
	g := httptest.NewServer(newGateway(daemon(t)))
	defer g.Close()
	var all sync.WaitGroup
	for i := range 12 {
		name := []string{"one", "two", "three"}[i%3]
		all.Go(func() {
			got := post(t, g.URL+"/call", `{"server": "`+name+`", "tool": "name"}`)
			if !strings.Contains(got, "I am "+name) {
				t.Errorf("%s said %s", name, got)
			}
		})
		all.Go(func() {
			got := post(
				t,
				g.URL+"/code",
				fmt.Sprintf(`{"language": "python", "code": "print(%d*2)"}`, i),
			)
			if !strings.Contains(got, fmt.Sprintf(`"stdout":"%d\n"`, i*2)) {
				t.Errorf("code %d said %s", i, got)
			}
		})
	}
	all.Wait()
	res, err := http.Get(g.URL + "/tools")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || strings.Count(string(data), `["name"]`) != 3 {
		t.Errorf("%s %v", data, err)
	}
}
