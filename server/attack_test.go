package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/server"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

// send writes bytes to the socket as they are, and returns the statuses of the answers until the
// daemon closes the connection, or has answered n times.
func (d *daemon) send(t *testing.T, n int, text string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("unix", d.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = io.WriteString(conn, text) }()
	in := bufio.NewReader(conn)
	for range n {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		statuses = append(statuses, res.StatusCode)
	}
	return statuses
}

func TestOneRequestIsOneRequest(t *testing.T) {
	d := start(t, folder(t), "")
	const hidden = "GET /v1/version HTTP/1.1\r\nHost: b\r\n\r\n"
	head := "POST /v1/executions HTTP/1.1\r\nHost: a\r\n"
	for what, c := range map[string]struct {
		text string
		want []int // of the answers
	}{
		"two lengths": {head + "Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}" + hidden,
			[]int{400}},
		"a length and chunks": {head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"0\r\n\r\n" + hidden, []int{400, 200}}, // chunks count, and the next one is the next
		"chunks twice": {head + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + hidden,
			[]int{501}},
		"chunks of another kind": {head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
			[]int{501}},
		"a space before the colon": {head + "Content-Length : 2\r\n\r\n{}" + hidden, []int{400}},
		"a negative length":        {head + "Content-Length: -1\r\n\r\n" + hidden, []int{400}},
		"a length with a sign":     {head + "Content-Length: +2\r\n\r\n{}" + hidden, []int{400}},
		"a chunk without an end": {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + hidden,
			[]int{400}},
		"two hosts":       {"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []int{400}},
		"no host":         {"GET /healthz HTTP/1.1\r\n\r\n", []int{400}},
		"a folded header": {"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\r\n  2\r\n\r\n", []int{200}},
		"a NUL in a header": {"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
			[]int{400}},
		"HTTP/2 without its handshake": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400}},
		"no HTTP at all":               {"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", []int{400}},
		"a large header": {"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " +
			strings.Repeat("x", 100<<10) + "\r\n\r\n", []int{431}},
		"a long address": {"GET /" + strings.Repeat("x", 100<<10) +
			" HTTP/1.1\r\nHost: a\r\n\r\n", []int{431}},
		"an upgrade to WebSocket": {"GET /v1/events HTTP/1.1\r\nHost: a\r\n" +
			"Connection: Upgrade\r\n" +
			"Upgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n" +
			"Sec-WebSocket-Version: 13\r\n\r\n" + hidden,
			[]int{200, 200}}, // an ordinary request
		"an upgrade to HTTP/2": {"GET /healthz HTTP/1.1\r\nHost: a\r\n" +
			"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" +
			"\r\n" + hidden, []int{200, 200}},
		"a tunnel": {"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\nSSH-2.0\r\n",
			[]int{404, 400}},
		"another scheme": {"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", []int{404}},
		"folders up": {"GET /v1/executions/..%2f..%2fetc/report HTTP/1.1\r\nHost: a\r\n\r\n",
			[]int{404}},
		"an address beside the token's": {"GET //v1/version HTTP/1.1\r\nHost: a\r\n\r\n",
			[]int{307}},
	} {
		got := d.send(t, len(c.want)+1, c.text+"GET /end HTTP/1.0\r\n\r\n")
		if len(got) > len(c.want) && got[len(c.want)] == 404 { // the end, on an orderly connection
			got = got[:len(c.want)]
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// Whatever one client has, another one with a token does not see or change it: every route that
// takes an id.
func TestNoRouteShowsAnothersThings(t *testing.T) {
	d := start(t, folder(t), "allowlist: allow.db\nlisten: 127.0.0.1:0\n"+tokenLine(token))
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "secret-of-the-owner"
	ctx := background(t)
	attackOf := api.ExecutionRequest{Command: append(attack[:2:2], attack[2]+"; print('"+secret+
		"')"), Caller: secret}
	ended, err := d.Run(ctx, attackOf)
	if err != nil {
		t.Fatal(err)
	}
	running, err := d.Start(ctx, api.ExecutionRequest{Caller: secret,
		Command: []string{"sh", "-c", "echo " + secret + "; sleep 600"}})
	if err != nil {
		t.Fatal(err)
	}
	box := newBox(t, d, api.SandboxRequest{Caller: secret, Labels: []string{secret},
		Files: []api.File{{Path: "a", Text: secret}}})
	if _, err := d.Run(ctx, api.ExecutionRequest{Language: "python", Code: "1", Session: secret,
		Caller: secret}); err != nil {
		t.Fatal(err)
	}
	proposal := call[api.Proposal](t, d, 201, "POST", "/v1/allowlist/proposals",
		`{"add": [{"layer": "tool", "match": "x", "effect": "allow"}], "why": "`+secret+`"}`)
	ids := map[string][]string{
		"/v1/executions/": {ended.ID, running.ID}, "/v1/sandboxes/": {box},
		"/v1/sessions/": {secret}, "/v1/callers/": {secret},
		"/v1/allowlist/proposals/": {proposal.ID},
	}
	bodies := map[string]string{"exec": `{"command": ["cat", "a"]}`, "PATCH": `{"limits": {}}`}
	tried := 0
	for path, operations := range openAPI(t, d).Paths {
		for method := range operations {
			method = strings.ToUpper(method)
			paths := []string{path}
			if before, after, ok := strings.Cut(path, "{"); ok {
				paths = nil
				for _, id := range ids[before] {
					_, rest, _ := strings.Cut(after, "}")
					paths = append(paths, before+url.PathEscape(id)+rest)
				}
			}
			for _, p := range paths {
				if p == "/v1/sandboxes" && method == "DELETE" {
					p += "?age=0&idle=0"
				}
				body := bodies[method]
				if strings.HasSuffix(p, "/exec") {
					body = bodies["exec"]
				}
				if !strings.Contains(p, "?") {
					p += "?"
				}
				for _, query := range []string{"", "&path=/work/a&caller=" + secret +
					"&limit=100&after=0&before=0&client=" + ended.Client} {
					at := p + query
					status, text, _ := do(t, new(http.Client), method, d.tcp+at, body,
						"Authorization", "Bearer "+token)
					tried++
					for _, own := range []string{secret, ended.ID, running.ID, box, proposal.ID} {
						if strings.Contains(text, own) {
							t.Errorf("%s %s shows %s: %d %s", method, at, own, status, text)
						}
					}
					if strings.Contains(path, "{") && status == 200 &&
						!strings.HasPrefix(path, "/v1/callers") {
						t.Errorf("%s %s: %d %s", method, at, status, text)
					}
				}
			}
		}
	}
	if tried < 80 {
		t.Errorf("only %d requests were tried", tried)
	}
	// Nothing of it is gone.
	for _, id := range []string{ended.ID, running.ID} {
		x, err := d.Execution(ctx, id)
		if err != nil || id == running.ID && x.State != api.Running {
			t.Errorf("%+v %v", x, err)
		}
	}
	if data, err := d.ReadFile(ctx, box, "/work/a"); err != nil || string(data) != secret {
		t.Errorf("%q %v", data, err)
	}
	if list, err := d.Sessions(ctx, secret); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	if page, err := d.Events(ctx, url.Values{"execution": {ended.ID}}); err != nil ||
		len(page.Events) == 0 {
		t.Errorf("%+v %v", page, err)
	}
	if list, err := guest.Executions(ctx, "state=running"); err != nil || len(list.Executions) > 0 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := d.Cancel(ctx, running.ID); err != nil {
		t.Error(err)
	}
}

func TestBodiesThatAreBombs(t *testing.T) {
	d := start(t, folder(t), "allowlist: allow.db\n")
	deep := strings.Repeat("[", 100_000)
	rule := func(when string) string {
		data, err := json.Marshal(map[string]any{"id": "bomb", "when": when})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for what, c := range map[string]struct {
		path, body string
		status     []int
	}{
		"deep JSON": {"/v1/executions", `{"command": ` + deep, []int{400}},
		"deep JSON, in a document": {"/v1/executions", `{"command": ["true"], "policy_document": ` +
			deep + strings.Repeat("]", 100_000) + `}`, []int{400, 422}},
		"deep JSON, in records": {"/v1/allowlist/evaluate", `{"records": [` + deep +
			strings.Repeat("]", 100_000) + `]}`, []int{400, 422}},
		"a number that is none": {"/v1/executions", `{"command": ["true"], "timeout": 1e999}`,
			[]int{400}},
		"a body that is too large": {"/v1/executions", `{"command": ["` +
			strings.Repeat("x", 25<<20) + `"]}`, []int{413}},
		"a long expression": {"/v1/rules", rule(strings.Repeat("(", 50_000) + "refused" +
			strings.Repeat(")", 50_000)), []int{422}},
		"a regular expression that repeats": {"/v1/rules",
			rule(`comm matches "((a{1000}){1000}){1000}"`), []int{422}},
		"a huge range": {"/v1/rules", rule(`len(1..1000000000) > 1`), []int{422}},
		"loops in loops": {"/v1/rules", rule(strings.Repeat("all(args, ", 9) + "true" +
			strings.Repeat(")", 9)), []int{422}},
		"a text that grows": {"/v1/rules", rule(`repeat(comm, 1000000) == "x"`), []int{422}},
	} {
		began := time.Now()
		status, text, _ := d.raw(t, "POST", c.path, c.body)
		ok := false
		for _, s := range c.status {
			ok = ok || s == status
		}
		if !ok {
			t.Errorf("%s: %d %.300s", what, status, text)
		}
		if time.Since(began) > patience/2 {
			t.Errorf("%s took %v", what, time.Since(began))
		}
		_, _, _ = d.raw(t, "DELETE", "/v1/rules/bomb", "")
	}
	if _, err := d.Version(background(t)); err != nil {
		t.Error(err)
	}
}

// Followers that ask for nothing at a time, from the middle, get an answer like the others.
func TestAFollowerWithoutAPageDoesNotSpin(t *testing.T) {
	d := start(t, folder(t), "")
	if _, err := d.Run(background(t), api.ExecutionRequest{Command: attack}); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", d.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/events?follow=1&after=1&limit=0 HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 200 { // the header is sent when the pages have been
		t.Fatalf("%v %v", res, err)
	}
}

// Clients that send slowly, or do not read, keep no place for ever.
func TestSlowClientsLoseTheirConnection(t *testing.T) {
	server.SetPatience(t, 200*time.Millisecond)
	d := start(t, folder(t), "")
	slow := func(request string) *http.Response {
		t.Helper()
		conn, err := net.Dial("unix", d.socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(conn, request)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	const head = " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"
	box := newBox(t, d, api.SandboxRequest{})
	for _, path := range []string{"POST /v1/executions", "POST /v1/sandboxes/" + box + "/exec",
		"PUT /v1/sandboxes/" + box + "/files?path=/work/a", "POST /v1/mcp"} {
		if res := slow(path + head); res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	// A stream that nobody reads: the program ends, and with it what it held.
	conn, err := net.Dial("unix", d.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"command": ["yes"], "mode": "stream"}`
	fmt.Fprintf(conn, "POST /v1/executions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body)
	eventually(t, "it runs", func() bool {
		s, err := d.Stats(background(t))
		return err == nil && s.Running == 1
	})
	eventually(t, "it has ended", func() bool {
		s, err := d.Stats(background(t))
		return err == nil && s.Running == 0
	})
}

// One peer's connections are bounded, and those of others are not its matter.
func TestConnectionsAreBounded(t *testing.T) {
	d := start(t, folder(t), "listen: 127.0.0.1:0\n"+tokenLine(token))
	host := strings.TrimPrefix(d.tcp, "http://")
	closed := 0
	for range 1100 {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if closed > 0 {
			continue
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) ||
			errors.Is(err, syscall.ECONNRESET) {
			closed++
		}
	}
	if closed == 0 {
		t.Error("1100 connections are open")
	}
	if _, err := d.Version(background(t)); err != nil {
		t.Errorf("over the socket: %v", err)
	}
}

// Who has no token keeps no connection.
func TestAStrangersConnectionIsClosed(t *testing.T) {
	d := start(t, folder(t), "listen: 127.0.0.1:0\n"+tokenLine(token))
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.tcp, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /v1/version HTTP/1.1\r\nHost: localhost\r\n\r\n")
	text, err := io.ReadAll(conn) // to the end
	if err != nil || !strings.Contains(string(text), "401 Unauthorized") {
		t.Errorf("%q %v", text, err)
	}
}

// The time of a body, once it is there, is no time of the command.
func TestABodyThatCameLeavesTheCommandItsTime(t *testing.T) {
	server.SetPatience(t, 200*time.Millisecond)
	d := start(t, folder(t), "")
	box := newBox(t, d, api.SandboxRequest{})
	for range 2 {
		x, err := d.Run(background(t), api.ExecutionRequest{Command: []string{"sleep", "1"}})
		if err != nil || !x.Result.Success {
			t.Errorf("%+v %v", x, err)
		}
		r, err := d.Exec(background(t), box, api.ExecRequest{Command: []string{"sleep", "1"}})
		if err != nil || !r.Success {
			t.Errorf("%+v %v", r, err)
		}
	}
	in := make(chan api.Message)
	go func() {
		time.Sleep(time.Second)
		in <- api.Chunk(api.KindStdin, []byte("late\n"))
		close(in)
	}()
	var out string
	err := d.ExecStream(background(t), box, api.ExecRequest{Command: []string{"cat"}}, in,
		func(m api.Message) error {
			out += string(m.Bytes())
			return nil
		})
	if err != nil || out != "late\n" {
		t.Errorf("%q %v", out, err)
	}
}

func TestARestrictedClientHasItsBounds(t *testing.T) {
	d := start(t, folder(t), "listen: 127.0.0.1:0\nallowlist: allow.db\n"+
		"sandboxes: {most: 4, per_client: 2}\n"+tokenLine(token))
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	ctx := background(t)
	for i := range 3 { // whatever it calls its callers
		_, err = guest.CreateSandbox(ctx, api.SandboxRequest{Caller: fmt.Sprint(i)})
	}
	if p := refused(t, err, 429); p.RetryAfter == 0 || !strings.Contains(p.Detail, "client") {
		t.Errorf("%+v", p)
	}
	newBox(t, d, api.SandboxRequest{})
	for i := range 3 {
		_, err = guest.Run(ctx, api.ExecutionRequest{Language: "python", Code: "1", Session: "s",
			Caller: fmt.Sprint(i)})
	}
	refused(t, err, 429)
	for range 65 {
		_, err = guest.Propose(ctx, api.ProposalRequest{Remove: []string{"x"}})
	}
	refused(t, err, 409)
}

func TestADocumentOfARestrictedClientAllowsNoMoreThanAPreset(t *testing.T) {
	d := start(t, folder(t),
		"listen: 127.0.0.1:0\nrestricted: {documents: true}\n"+tokenLine(token))
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	run := func(document string) error {
		_, err := guest.Run(background(t), api.ExecutionRequest{Command: []string{"true"},
			Document: json.RawMessage(document)})
		return err
	}
	for what, document := range map[string]string{
		"no limits": `{"version": 1, "filesystem": {}}`,
		"a loopback service of the host": `{"extends": "standard", "network": {"mode": "allow",
			"allow": ["127.0.0.1:22"]}}`,
		"the internet": `{"extends": "standard", "network": {"mode": "allow",
			"allow": ["example.com"]}}`,
		"a port of the host": `{"extends": "standard", "network": {"publish": ["8080"]}}`,
		"more memory":        `{"extends": "standard", "limits": {"memory": "900GiB"}}`,
		"more processes":     `{"extends": "standard", "limits": {"pids": 100000}}`,
		"every system call":  `{"extends": "standard", "syscalls": {"default": "allow"}}`,
		"one more":           `{"extends": "standard", "syscalls": {"allow": ["bpf"]}}`,
		"a secret": `{"extends": "standard", "secrets": [{"name": "K", "hosts": ["a.example"],
			"header": "X"}]}`,
	} {
		err := run(document)
		if err == nil {
			t.Errorf("%s: it ran", what)
			continue
		}
		if !strings.Contains(err.Error(), "(403)") && !strings.Contains(err.Error(), "(422)") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, document := range []string{
		`{"extends": "strict"}`, `{"extends": "maximum", "limits": {"memory": "64MiB"}}`,
		`{"extends": "standard", "limits": {"timeout": "5s"}, "environment": {"set": {"A": "b"}},
			"rules": [{"id": "x", "when": "refused"}], "syscalls": {"deny": ["ptrace"]}}`,
	} {
		if err := run(document); err != nil && !strings.Contains(document, "maximum") {
			t.Errorf("%s: %v", document, err)
		}
	}
}

func TestWhatASnippetLeavesIsNotTheHosts(t *testing.T) {
	d := start(t, folder(t), "")
	secret := filepath.Join(d.folder, "secret")
	write(t, secret, "of the host")
	x, err := d.Run(background(t), api.ExecutionRequest{Language: "sh", Code: `cd out
ln -s ` + secret + ` link; ln -s / root; ln -s ../../../.. up; mkfifo pipe; ln -s /proc/1/environ env
mkdir d; echo fine >d/real; ln -s ../d/real inside; echo x >"$(printf 'a\nb')"; true`})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range x.Result.Files {
		if strings.Contains(string(f.Bytes()), "of the host") || strings.Contains(f.Path, "..") ||
			strings.HasPrefix(f.Path, "/") || strings.Contains(f.Path, "\n") {
			t.Errorf("%+v", f)
		}
	}
	if len(x.Result.Files) == 0 {
		t.Error("not even the file that is one came out")
	}
}

func TestAWebhookIsFollowedNowhere(t *testing.T) {
	asked := make(chan string, 64)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- "elsewhere"
	}))
	defer other.Close()
	hung := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-hung // it holds up no other
	}))
	defer slow.Close()
	defer close(hung)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- "hook"
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer hook.Close()
	d := start(t, folder(t), "webhooks: [{url: '"+slow.URL+"'}, {url: '"+hook.URL+"'}]\n")
	for end := time.Now().Add(patience); len(asked) < 3; { // it is tried again, at its own address
		if time.Now().After(end) {
			t.Fatal("the webhook was not told")
		}
		if _, err := d.Run(background(t), api.ExecutionRequest{Command: attack}); err != nil {
			t.Fatal(err)
		}
	}
	for len(asked) > 0 {
		if who := <-asked; who != "hook" {
			t.Error("a redirect was followed")
		}
	}
}

func TestWhatIsErasedIsNotInTheFile(t *testing.T) {
	d := start(t, folder(t), "")
	const marker = "personal-data-of-ann"
	const script = "for i in $(seq 2000); do echo " + marker + "; done"
	if _, err := d.Run(background(t), api.ExecutionRequest{Caller: "ann",
		Command: []string{"sh", "-c", script}}); err != nil {
		t.Fatal(err)
	}
	found := func() (n int) {
		files, err := filepath.Glob(filepath.Join(d.folder, "state", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err == nil {
				n += strings.Count(string(data), marker)
			}
		}
		return n
	}
	if found() == 0 {
		t.Fatal("it was not kept: the test looks at the wrong place")
	}
	if _, err := d.Erase(background(t), "ann"); err != nil {
		t.Fatal(err)
	}
	if n := found(); n != 0 {
		t.Errorf("it is there %d times", n)
	}
}

// Names of the client's own choice change nothing in the format of the metrics, nor in the log.
func TestNamesAddNothingToMetricsAndLog(t *testing.T) {
	d := start(t, folder(t), "rules: [{id: odd, when: 'syscall == \"unshare\"'}]\n")
	const odd = "a\"} 1\nmcpbox_forged 1\nlevel=ERROR msg=forged"
	if _, err := d.Run(background(t), api.ExecutionRequest{Caller: odd,
		Command:  []string{"unshare", "-m", "true"},
		Document: json.RawMessage(`{"extends": "standard", "name": "x\"} 1\nmcpbox_forged 1"}`),
	}); err != nil {
		var text string
		if text = err.Error(); !strings.Contains(text, "name") {
			t.Fatal(err)
		}
	}
	if _, err := d.Run(background(t), api.ExecutionRequest{Caller: odd,
		Command: []string{"unshare", "-m", "true"}}); err != nil {
		t.Fatal(err)
	}
	text, err := d.Metrics(background(t))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text + d.log.String()) {
		if strings.HasPrefix(line, "mcpbox_forged") || strings.HasPrefix(line, "level=ERROR") {
			t.Errorf("forged: %s", line)
		}
	}
}
