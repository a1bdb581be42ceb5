package egress

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// server fetches a URL for its client. Each call ends its connection.
const server = `
import json, sys, urllib.request
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    r = {}
    if m["method"] == "initialize":
        r = {"protocolVersion": m["params"]["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "fetcher", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": n, "description": n, "inputSchema": {"type": "object"}} for n in ("fetch", "leak")]}
    elif m["method"] == "tools/call":
        url = {"fetch": "https://` + api + `/", "leak": "https://` + evil + `/"}[m["params"]["name"]]
        try: text, bad = urllib.request.urlopen(url, timeout=20).read().decode(), False
        except Exception as e: text, bad = str(e), True
        r = {"content": [{"type": "text", "text": text}], "isError": bad}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
`

func TestAServerReachesItsHost(t *testing.T) {
	w := newWorld(t)
	w.file("server.py", server)
	for _, uid := range []string{"0", "12345"} {
		dir, err := os.MkdirTemp("", "egress-mcp-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := w.Command("setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "env", "-u", "XDG_RUNTIME_DIR", "HOME=/nonexistent",
			mcpbox(t), "mcp", "--allow-net", api, "--audit", dir+"/audit.jsonl", "--events", dir+"/events.jsonl",
			"--mount", w.dir+":/data", "--env", "SSL_CERT_FILE=/data/ca.pem", "--", "python3", "/data/server.py")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		answers := bufio.NewReader(out)
		var said string
		for _, request := range []string{ // one after the other: then each event is one call's
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
			`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`,
			`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"fetch","arguments":{}}}`,
			`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"leak","arguments":{}}}`,
		} {
			io.WriteString(in, request+"\n")
			line, err := answers.ReadString('\n')
			if err != nil {
				t.Fatalf("uid %s: %s: %v\n%s", uid, request, err, stderr.String())
			}
			said += line
		}
		in.Close()
		if err := cmd.Wait(); err != nil || !strings.Contains(said, "this is api for "+api) || strings.Contains(said, "this is evil") {
			t.Fatalf("uid %s: %v\n%s%s", uid, err, said, stderr.String())
		}
		records, _ := os.ReadFile(dir + "/audit.jsonl")
		if !lineWith(string(records), `"method":"network"`, `"tool":"fetch"`, `"host":"`+api+`"`, `"port":443`, `"bytes_in":`) {
			t.Errorf("uid %s: audit\n%s", uid, records)
		}
		events, _ := os.ReadFile(dir + "/events.jsonl")
		if !lineWith(string(events), `"permission_denied"`, `"rule":"egress:name"`, `"name":"`+evil+`"`, `"tool":"leak"`) {
			t.Errorf("uid %s: events\n%s", uid, events)
		}
	}
}

func lineWith(text string, parts ...string) bool {
next:
	for line := range strings.Lines(text) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue next
			}
		}
		return true
	}
	return false
}
