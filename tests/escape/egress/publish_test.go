package egress

import (
	"bufio"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

// background runs mcpbox on the machine until the test ends, and waits for its first line.
func (w *world) background(args ...string) {
	w.t.Helper()
	cmd := w.Command(append([]string{mcpbox(w.t), "run"}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = os.Stderr
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	kill := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
	w.t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("%v: %v", args, err)
		}
		kill.Stop()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		w.t.Fatalf("%q, %v", line, err)
	}
}

// inside serves one page on a port until its stdin ends.
func inside(host, port string) string {
	return `
import http.server, socket, sys, threading
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(s):
        s.send_response(200); s.end_headers(); s.wfile.write(b"hello from inside" + b"." * ` +
		`1_000_000)
    def log_message(*a): pass
class S(http.server.ThreadingHTTPServer): address_family = socket.AF_INET6 if ":" in ` +
		`"` + host + `" else socket.AF_INET
s = S(("` + host + `", ` + port + `), H)
threading.Thread(target=s.serve_forever, daemon=True).start()
print("ready", flush=True); sys.stdin.read()`
}

func TestAPublishedPortIsReachedFromTheHost(t *testing.T) {
	w := newWorld(t)
	get := func(url string) string {
		out, err := w.Command("curl", "-sS", "-m", "20", url).CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(out)
		}
		return string(out)
	}
	w.background("--publish", "8080:3000", "--publish", "[::1]:8081:3001", "--publish",
		testnet.Machine+":8082:3000", "--", "python3", "-c", inside("127.0.0.1", "3000"))
	for url, want := range map[string]bool{
		"http://127.0.0.1:8080/":                 true,
		"http://" + testnet.Machine + ":8082/":   true,
		"http://" + testnet.Machine + ":8080/":   false, // published on loopback only
		"http://127.0.0.1:3000/":                 false, // the port inside is none of the host's
		"http://[::1]:8081/":                     false, // nobody listens there inside
		"http://127.0.0.1:8080/?again=and-again": true,
	} {
		if got := get(url); strings.HasPrefix(got, "hello from inside") != want || want &&
			len(got) != 1_000_017 {
			t.Errorf("%s: %d bytes: %.60s", url, len(got), got)
		}
	}
}

func TestAPublishedServerMayListenOnIPv6Only(t *testing.T) {
	w := newWorld(t)
	w.background("--allow-net", api, "--publish", "8080:3000", "--", "python3", "-c",
		inside("::1", "3000"))
	if out, err := w.Command("curl", "-sS", "-m", "20",
		"http://127.0.0.1:8080/").Output(); !strings.HasPrefix(string(out), "hello from inside") {
		t.Errorf("%.60s, %v", out, err)
	}
}

func TestPublishing(t *testing.T) {
	w := newWorld(t)
	if r := w.mcpbox("--allow-net", api, "--publish", "8080:443", "--", "true"); r.code != 125 ||
		!strings.Contains(r.stderr, "a tool can't listen on port 443") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
	if r := w.mcpbox("--publish", "http", "--", "true"); r.code != 125 ||
		!strings.Contains(r.stderr, "not a port to publish") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
	l := w.ListenHere("127.0.0.1:8080")
	go http.Serve(l, http.NotFoundHandler())
	if r := w.mcpbox("--publish", "8080", "--", "true"); r.code != 125 ||
		!strings.Contains(r.stderr, "hint: another program has the port") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
}
