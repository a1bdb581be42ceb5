package egress

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
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
        r = {"protocolVersion": m["params"]["protocolVersion"], "capabilities": {"tools": {}}, ` +
	`"serverInfo": {"name": "fetcher", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": n, "description": n, "inputSchema": {"type": "object"}} for n ` +
	`in ("fetch", "leak")]}
    elif m["method"] == "tools/call":
        url = {"fetch": "https://` + api + `/", "leak": ` +
	`"https://` + evil + `/"}[m["params"]["name"]]
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
		cmd := w.Command("setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "env", "-u",
			"XDG_RUNTIME_DIR", "HOME=/dev/null",
			mcpbox(t), "mcp", "--allow-net", api, "--audit", dir+"/audit.jsonl", "--events",
			dir+"/events.jsonl",
			"--mount", w.dir+":/data", "--env", "SSL_CERT_FILE=/data/ca.pem", "--", "python3",
			"/data/server.py")
		said, stderr, err := converse(t, cmd,
			`{"jsonrpc":"2.0","id":3,"method":"tools/call",`+
				`"params":{"name":"fetch","arguments":{}}}`,
			`{"jsonrpc":"2.0","id":4,"method":"tools/call",`+
				`"params":{"name":"leak","arguments":{}}}`)
		if err != nil || !strings.Contains(said, "this is api for "+api) || strings.Contains(said,
			"this is evil") {
			t.Fatalf("uid %s: %v\n%s%s", uid, err, said, stderr)
		}
		records, _ := os.ReadFile(dir + "/audit.jsonl")
		if !lineWith(string(records), `"method":"network"`, `"tool":"fetch"`, `"host":"`+api+`"`,
			`"port":443`, `"bytes_in":`) {
			t.Errorf("uid %s: audit\n%s", uid, records)
		}
		events, _ := os.ReadFile(dir + "/events.jsonl")
		if !lineWith(string(events), `"permission_denied"`, `"rule":"egress:name"`,
			`"name":"`+evil+`"`, `"tool":"leak"`) {
			t.Errorf("uid %s: events\n%s", uid, events)
		}
	}
}

// converse sends requests to an MCP server, one after the other: then each event is of one call.
func converse(t *testing.T, cmd *exec.Cmd, requests ...string) (said, words string, err error) {
	t.Helper()
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
	for _, request := range append([]string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize",` +
			`"params":{"protocolVersion":"2025-06-18","capabilities":{},` +
			`"clientInfo":{"name":"t","version":"1"}}}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`}, requests...) {
		io.WriteString(in, request+"\n")
		line, err := answers.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v\n%s", request, err, stderr.String())
		}
		said += line
	}
	in.Close()
	return said, stderr.String(), cmd.Wait()
}

// A server has the placeholder, and its host the secret. An echo is an event of the call.
func TestAServerUsesASecret(t *testing.T) {
	w, asked := secretive(t)
	w.file("server.py", strings.NewReplacer(`urllib.request.urlopen(url, timeout=20)`,
		`urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Bearer `+
			`" + __import__("os").environ["TOKEN"]}), timeout=20)`,
		`https://`+api+`/`, `https://`+api+`:8443/echo`).Replace(server))
	dir := t.TempDir()
	cmd := w.Command(append(append([]string{mcpbox(t), "mcp"}, w.bound(bearer)...), "--secret",
		"TOKEN=env:TOKEN_OUTSIDE", "--events", dir+"/events.jsonl",
		"--mount", w.dir+":/data", "--", "python3", "/data/server.py")...)
	cmd.Env = append(os.Environ(), "TOKEN_OUTSIDE="+token, "SSL_CERT_FILE="+w.CA.File)
	said, stderr, err := converse(t, cmd,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call",`+
			`"params":{"name":"fetch","arguments":{}}}`)
	if err != nil || !strings.Contains(said, "plain "+masked) || strings.Contains(said+stderr,
		"Tr0ub4dor") {
		t.Errorf("%v\n%s%s", err, said, stderr)
	}
	if got := strings.Join(asked.list(), "\n"); !strings.Contains(got, `auth="Bearer `+token) {
		t.Errorf("the host was asked %s", got)
	}
	events, _ := os.ReadFile(dir + "/events.jsonl")
	if !lineWith(string(events), `"suspicious_behavior"`, `"rule":"egress:echo"`,
		`"tool":"fetch"`) || strings.Contains(string(events), "Tr0ub4dor") {
		t.Errorf("events\n%s", events)
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
