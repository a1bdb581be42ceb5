package egress

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

// echConfig is a configuration for encrypted names with a key of its own, in wire format.
func echConfig(t *testing.T, public string) (config []byte, key []byte) {
	t.Helper()
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	vector := func(b, v []byte) []byte {
		return append(binary.BigEndian.AppendUint16(b, uint16(len(v))), v...)
	}
	body := []byte{1}                                             // its id
	body = binary.BigEndian.AppendUint16(body, 0x0020)            // DHKEM(X25519, HKDF-SHA256)
	body = vector(body, private.PublicKey().Bytes())              //
	body = vector(body, []byte{0, 1, 0, 1})                       // HKDF-SHA256, AES-128-GCM
	body = append(append(body, 32, byte(len(public))), public...) // the longest name
	body = vector(body, nil)                                      // extensions
	return vector([]byte{0xfe, 0x0d}, body), private.Bytes()
}

func TestCannotHideTheNameInTheHandshake(t *testing.T) {
	w := newWorld(t)
	w.client(t)
	config, key := echConfig(t, api)
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), TLSConfig: w.CA.Server(evil, api),
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, "this is evil, by %s", r.TLS.ServerName)
		})}
	server.TLSConfig.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{{Config: config,
		PrivateKey: key, SendAsRetry: true}}
	go server.ServeTLS(w.Listen(testnet.Public+":8443"), "", "")
	t.Cleanup(func() { server.Close() })
	list := base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint16(nil,
		uint16(len(config))), config...))
	r := w.attack("this is evil, by "+evil, "egress:tls", []string{"--allow-net", api + ":8443"},
		"/data/client", "ech", api+":8443", evil, list)
	if e := r.event("egress:tls"); e != nil && !strings.Contains(e.Hint, "network.ech") {
		t.Errorf("event %+v", e)
	}
}

// The name is cut in two: by segments of TCP, by records of TLS, or both.
func TestCannotSplitTheHandshake(t *testing.T) {
	w := newWorld(t)
	w.Names.Set(evil, testnet.Public)
	for _, how := range []string{"segments", "records", "both", "records of one byte"} {
		w.attack("the server answers", "egress:sni", one, "python3", "-c", `
import socket, ssl, struct, sys, time
how = "`+how+`"
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
out = ssl.MemoryBIO(); o = c.wrap_bio(ssl.MemoryBIO(), out, server_hostname="`+evil+`")
try: o.do_handshake()
except ssl.SSLWantReadError: pass
hello = out.read()
body = hello[5:]
if how != "segments":
    n = 1 if how == "records of one byte" else 60
    hello = b"".join(hello[:3] + struct.pack(">H", len(body[i:i+n])) + body[i:i+n] for i in `+
			`range(0, len(body), n))
s = socket.create_connection(("`+api+`", 443), 20); s.setsockopt(socket.IPPROTO_TCP, `+
			`socket.TCP_NODELAY, 1)
try:
    if how in ("segments", "both"):
        for i in range(0, len(hello), 7): s.send(hello[i:i+7]); time.sleep(0.002)
    else: s.sendall(hello)
    if s.recv(1) == b"\x16": print("the server answers")
except OSError as e: print(e)
`)
	}
}

// Two handshakes in one connection, and two names in one handshake: the first one counts, and what
// can be read in two ways is refused.
func TestCannotNameTwoHosts(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--allow-net", api, "--", "python3", "-c", `
import socket, ssl, struct
def hello(name):
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    out = ssl.MemoryBIO(); o = c.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try: o.do_handshake()
    except ssl.SSLWantReadError: pass
    return out.read()
one = hello("`+api+`")
name = b"`+api+`"
entry = b"\0" + struct.pack(">H", len(name)) + name
two = entry + b"\0" + struct.pack(">H", len(b"`+evil+`")) + b"`+evil+`"
i = one.index(entry) - 6 # extension type, its length, the list's length
old, new = one[i:i+6] + entry, b"\0\0" + struct.pack(">HH", len(two) + 2, len(two)) + two
assert one[i:i+2] == b"\0\0"
grown = one.replace(old, new)
more = len(new) - len(old)
def plus(data, at, size): return data[:at] + (int.from_bytes(data[at:at+size], "big") + `+
		`more).to_bytes(size, "big") + data[at+size:]
grown = plus(plus(grown, 3, 2), 6, 3)
at = 9 + 2 + 32; at += 1 + grown[at]; at += 2 + int.from_bytes(grown[at:at+2], "big"); at += 1 `+
		`+ grown[at]
grown = plus(grown, at, 2)
s = socket.create_connection(("`+api+`", 443), 20)
try: s.sendall(grown); print("answers" if s.recv(1) == b"\x16" else "closed")
except OSError as e: print(e)
`)
	if strings.Contains(r.stdout, "answers") || r.event("egress:tls") == nil {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// Connections that never say what they want hold nobody up, and end.
func TestSlowHandshakesHoldNobodyUp(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--allow-net", api, "--", "python3", "-c", `
import socket, subprocess
slow = []
for i in range(500):
    s = socket.create_connection(("`+api+`", 443), 20)
    if i % 2: s.send(b"\x16\3\1\2\0\1")
    slow.append(s)
print(subprocess.run(["curl", "-sS", "-m", "10", "https://`+api+`/"], capture_output=True).stdout)
for s in slow[:4]:
    s.settimeout(40)
    try: print("closed" if s.recv(1) == b"" else "open")
    except OSError as e: print("closed", e)
`)
	if !strings.Contains(r.stdout, "this is api") || strings.Count(r.stdout, "closed") != 4 ||
		r.event("egress:tls") == nil {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// A connection that is closed one way still goes the other way, and ends with its other end.
func TestHalfClosedConnections(t *testing.T) {
	w := newWorld(t)
	serve(w.Listen(testnet.Public+":7000"), func(c net.Conn) { // it answers at the end
		data, _ := io.ReadAll(c)
		fmt.Fprintf(c, "%d bytes came", len(data))
	})
	serve(w.Listen(testnet.Public+":7001"),
		func(c net.Conn) { // it says all that it has to say first
			io.WriteString(c, "hello")
			c.(*net.TCPConn).CloseWrite()
			data, _ := io.ReadAll(c)
			w.file("heard", fmt.Sprint(len(data)))
		})
	r := w.mcpbox("--allow-net", api+":7000", "--allow-net", api+":7001", "--", "python3", "-c", `
import socket, time
def read(s):
    out = b""
    while d := s.recv(65536): out += d
    return out.decode()
s = socket.create_connection(("`+api+`", 7000), 20); s.sendall(b"x" * 1000000); `+
		`s.shutdown(socket.SHUT_WR); print(read(s))
s = socket.create_connection(("`+api+`", 7001), 20); print(read(s)); s.sendall(b"y" * 1000); `+
		`s.close()
for i in range(200):
    try:
        if open("/data/heard").read() == "1000": print("it heard"); break
    except OSError: pass
    time.sleep(0.05)
`)
	if !strings.Contains(r.stdout, "1000000 bytes came") || !strings.Contains(r.stdout, "hello") ||
		!strings.Contains(r.stdout, "it heard") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// NETLINK_ROUTE tells programs which addresses there are. No other kind is there.
func TestCannotOpenOtherNetlinkSockets(t *testing.T) {
	w := newWorld(t)
	r := w.mcpbox("--allow-net", api, "--", "python3", "-c", `
import socket
for name, protocol in [("sock_diag", 4), ("xfrm", 6), ("selinux", 7), ("audit", 9), `+
		`("netfilter", 12), ("uevent", 15), ("generic", 16)]:
    try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol); print("made", name)
    except OSError as e: print("no", e)
`)
	if strings.Contains(r.stdout, "made") || strings.Count(r.stdout, "no [") != 7 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}
