package egress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

// The proxy inside allows what the network allows, and nothing more.
func TestTheProxyAllowsTheSameHosts(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy,
		[]byte("version: 1\nextends: standard\nnetwork: {mode: allow, allow: ["+api+"], proxy: "+
			"1080}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ proxy, url, want, rule string }{
		{"socks5h://127.0.0.1:1080", "http://" + api + "/", "this is api", ""},
		{"socks5h://127.0.0.1:1080", "https://" + api + "/", "this is api", ""},
		{"socks5://127.0.0.1:1080", "http://" + api + "/", "this is api", ""},
		// by the address that it looked up
		{"http://127.0.0.1:1080", "https://" + api + "/", "this is api", ""},
		{"socks5h://127.0.0.1:1080", "http://" + evil + "/", "", "egress:name"},
		{"http://127.0.0.1:1080", "https://" + evil + "/", "", "egress:name"},
		{"socks5h://127.0.0.1:1080", "http://" + testnet.Other + "/", "", "egress:address"},
		{"socks5h://127.0.0.1:1080", "http://" + testnet.Metadata + "/", "", "egress:metadata"},
		{"socks5h://127.0.0.1:1080", "http://" + api + ":9999/", "", "egress:port"},
	} {
		r := w.mcpbox("--policy", policy, "--", "curl", "-sS", "-m", "20", "--proxytunnel", "-x",
			c.proxy, c.url)
		if got := strings.TrimSpace(r.stdout); c.want == "" && got != "" ||
			!strings.HasPrefix(got, c.want) {
			t.Errorf("%s by %s: %s%s", c.url, c.proxy, r.stdout, r.stderr)
		}
		if c.rule != "" && r.event(c.rule) == nil {
			t.Errorf("%s by %s: no event of %s: %s", c.url, c.proxy, c.rule, r.stderr)
		}
	}
	// What is no request, or more than one, gets nowhere.
	r := w.mcpbox("--policy", policy, "--", "python3", "-c", `
import socket
for ask in [b"GET http://`+evil+`/ HTTP/1.1\r\n\r\n", b"CONNECT `+api+`:80 HTTP/1.1\r\n\r\nGET `+
		`/ HTTP/1.0\r\nHost: x\r\n\r\n",
            b"CONNECT `+api+`:80\r\n\r\n", b"CONNECT `+api+` HTTP/1.1\r\n\r\n", b"\5\0", `+
		`b"\4\1\0\120\1\2\3\4\0", b"CONNECT " + b"x" * 9000]:
    s = socket.create_connection(("127.0.0.1", 1080), 20); s.settimeout(20)
    try: s.sendall(ask); print("got", s.recv(99))
    except OSError as e: print("no", e)
`)
	if strings.Contains(r.stdout, "got b'H") || strings.Contains(r.stdout, "got b'\\x05") ||
		strings.Count(r.stdout, "\n") != 7 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}
