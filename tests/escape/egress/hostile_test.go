package egress

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

// rawHost answers each request with the bytes that respond returns for the Authorization header
// that it got: a host that keeps to no rules. A pause is a NUL.
func (w *world) rawHost(port string, respond func(path, auth string) string) {
	w.t.Helper()
	config := w.CA.Server(api)
	config.NextProtos = []string{"http/1.1"}
	l := tls.NewListener(w.Listen(testnet.Public+":"+port), config)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				text := respond(r.URL.Path, r.Header.Get("Authorization"))
				for part := range strings.SplitSeq(text, "\x00") {
					if _, err := conn.Write([]byte(part)); err != nil {
						return
					}
					if part != text {
						time.Sleep(150 * time.Millisecond)
					}
				}
			}()
		}
	}()
}

// A host that wants the tool to have the secret, in ways that HTTP's usual paths do not go.
func TestAHostileEchoIsMasked(t *testing.T) {
	w, _ := secretive(t)
	const ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	lower := strings.NewReplacer("%2F", "%2f", "%3D", "%3d", "%2B", "%2b", "%26", "%26", "%3C",
		"%3c", "%3E", "%3e")
	escaped := "ghp_Tr0ub4dor%263%2F%3D%2B%3Csecret%3E"
	hosts := map[string]func(auth string) string{
		"status": func(a string) string {
			return "HTTP/1.1 200 " + a + "\r\nContent-Length: " +
				"0\r\n\r\n"
		},
		"garbage": func(a string) string { return a + "\r\n\r\n" },
		"header":  func(a string) string { return ok + "X-" + a[7:15] + ": " + a + "\r\n\r\n" },
		"folded":  func(a string) string { return ok + "X-A: b\r\n " + a + "\r\n\r\n" },
		"location": func(string) string {
			return "HTTP/1.1 302 Found\r\nLocation: /?k=" + lower.Replace(escaped) + "\r\n\r\n"
		},
		"trailer": func(a string) string { // not announced
			return ok + "Transfer-Encoding: chunked\r\n\r\n" + chunk("x") + "0\r\nX-T: " + a +
				"\r\n\r\n"
		},
		"extension": func(a string) string { // of a chunk
			return ok + "Transfer-Encoding: chunked\r\n\r\n1;a=" + a[7:] + "\r\nx\r\n0\r\n\r\n"
		},
		"chunks": func(a string) string {
			s := ok + "Transfer-Encoding: chunked\r\n\r\n"
			for _, c := range a {
				s += chunk(string(c))
			}
			return s + "0\r\n\r\n"
		},
		"slow": func(a string) string { // a few bytes at a time, with pauses
			s := ok + "\r\n"
			for n := 0; n < len(a); n += 3 {
				s += a[n:min(n+3, len(a))] + "\x00"
			}
			return s
		},
		"twice":   func(a string) string { return ok + "Content-Encoding: gzip, gzip\r\n\r\n" + a },
		"zstd":    func(a string) string { return ok + "Content-Encoding: zstd\r\n\r\n" + a },
		"no gzip": func(a string) string { return ok + "Content-Encoding: gzip\r\n\r\n" + a },
		"transfer": func(a string) string {
			return ok + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk(a) + "0\r\n\r\n"
		},
		"switch": func(a string) string { // which nobody asked for
			return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: " +
				"Upgrade\r\n\r\n" + a
		},
		"hints": func(a string) string {
			return "HTTP/1.1 103 Early Hints\r\nLink: <" + a + ">\r\n\r\nHTTP/1.1 102 " +
				"Processing\r\nX: " +
				a + "\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n"
		},
		"php": func(a string) string {
			return ok + "\r\n" + strings.ReplaceAll(a, "/", `\/`)
		},
		"hex":   func(a string) string { return ok + "\r\n" + fmt.Sprintf("%x", a) },
		"upper": func(a string) string { return ok + "\r\n" + strings.ToUpper(a) },
	}
	w.rawHost("9443", func(path, auth string) string {
		respond := hosts[strings.ReplaceAll(path[1:], "_", " ")]
		if respond == nil || !strings.Contains(auth, token) {
			return "HTTP/1.1 404 Not Found\r\n\r\n" + path
		}
		return respond(auth)
	})
	flags := w.policy(`network: {mode: allow, allow: ["` + api + `:9443"]}
secrets: [{name: TOKEN, hosts: ["` + api + `:9443"], ` + bearer + `}]
`)
	for how := range hosts {
		r := w.use(flags, "sh", "-c", `curl -sS -m 20 -i --raw --http1.1 -H "Authorization: `+
			`Bearer $TOKEN" https://`+
			api+`:9443/`+strings.ReplaceAll(how, " ", "_"))
		all := strings.ToLower(r.stdout)
		for _, part := range []string{"dor&3", "dor%263", "726f7562", "secret>", "secret%3e"} {
			if strings.Contains(all, part) {
				t.Errorf("%s: %s%s", how, r.stdout, r.stderr)
			}
		}
		for _, e := range r.result.Events {
			if strings.Contains(e.Reason, "Tr0ub4dor") {
				t.Errorf("%s: the event's reason is %s", how, e.Reason)
			}
		}
		// Nobody passes an extension on, and what is no gzip ends the response.
		if len(r.result.Events) == 0 && how != "extension" && how != "no gzip" {
			t.Errorf("%s: no event: %s%s", how, r.stdout, r.stderr)
		}
		if strings.Contains(r.stdout, "404") {
			t.Errorf("%s: the host had no secret to echo: %s", how, r.stdout)
		}
	}
}

// Many connections do not take the monitor's open files: what else the tool tries is still an
// event, and the network works again afterwards.
func TestAFloodOfConnectionsLeavesFilesToTheMonitor(t *testing.T) {
	w := newWorld(t)
	serve(w.Listen(testnet.Public+":7000"), echo)
	w.pre = []string{"sh", "-c", `ulimit -n 300; exec "$0" "$@"`}
	r := w.mcpbox("-q", "--allow-net", api+":7000", "--open-files", "2000", "--", "python3", "-c", `
import os, socket, time
to = socket.getaddrinfo("`+api+`", 7000, socket.AF_INET)[0][4]
kept = []
for i in range(600):
    try: kept.append(socket.create_connection(to, 20))
    except OSError as e: pass
def answers(s):
    try: s.settimeout(20); s.send(b"x"); return s.recv(1) == b"x"
    except OSError: return False
print("open", sum(map(answers, kept)))
try: os.chroot("/tmp")
except OSError as e: print(e)
kept.clear()
for i in range(100):
    try:
        if answers(socket.create_connection(to, 20)): print("again"); break
    except OSError: pass
    time.sleep(.1)
`)
	if !strings.Contains(r.stdout, "open 112\n") || !strings.Contains(r.stdout, "again") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	chroot := false
	for _, e := range r.result.Events {
		chroot = chroot || e.Syscall != nil && e.Syscall.Name == "chroot"
	}
	if e := r.event("egress:limit"); e == nil || !strings.Contains(e.Hint, "ulimit -n") || !chroot {
		t.Errorf("events %+v", r.result.Events)
	}
}
