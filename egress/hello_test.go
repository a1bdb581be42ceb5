package egress

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// realHello is what crypto/tls sends first.
func realHello(t testing.TB, config *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go tls.Client(client, config).Handshake()
	server.SetReadDeadline(time.Now().Add(5 * time.Second))
	head := make([]byte, 5)
	if _, err := io.ReadFull(server, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// split puts one handshake message into records of n bytes each.
func split(record []byte, n int) (out []byte) {
	for body := record[5:]; len(body) > 0; {
		part := body[:min(n, len(body))]
		out = append(
			append(out, record[0], record[1], record[2], byte(len(part)>>8), byte(len(part))),
			part...)
		body = body[len(part):]
	}
	return out
}

func TestHelloNamesItsHost(t *testing.T) {
	record := realHello(t, &tls.Config{ServerName: "API.example.com"})
	for name, data := range map[string][]byte{
		"whole": record, "with bytes after it": append(bytes.Clone(record), "more"...),
		"a byte a record": split(record, 1), "three records": split(record, len(record)/3+1),
	} {
		h, err := parseHello(data)
		if err != nil || h.sni != "api.example.com" || h.encrypted {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	for i := range record {
		if _, err := parseHello(record[:i]); !errors.Is(err, errMore) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
	address := &tls.Config{ServerName: "192.0.2.1", InsecureSkipVerify: true}
	if h, err := parseHello(realHello(t, address)); err != nil || h.sni != "" {
		t.Errorf("without a name: %+v, %v", h, err)
	}
}

// insert adds an extension to a ClientHello and mends the lengths around it.
func insert(record []byte, kind uint16, body []byte) []byte {
	out := bytes.Clone(record)
	out = append(out, byte(kind>>8), byte(kind), byte(len(body)>>8), byte(len(body)))
	out = append(out, body...)
	grow := func(at, size int) {
		n := 4 + len(body)
		for i := size - 1; i >= 0; i-- {
			n += int(out[at+i])
			out[at+i] = byte(n)
			n >>= 8
		}
	}
	grow(3, 2) // record
	grow(6, 3) // handshake message
	at := 9 + 2 + 32
	at += 1 + int(out[at])
	at += 2 + int(out[at])<<8 + int(out[at+1])
	at += 1 + int(out[at])
	grow(at, 2) // extensions
	return out
}

func TestHelloShowsEncryptedNames(t *testing.T) {
	record := insert(realHello(t, &tls.Config{ServerName: "api.example.com"}), extECH,
		[]byte("anything"))
	if h, err := parseHello(record); err != nil || !h.encrypted || h.sni != "api.example.com" {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestHelloRefusesTwoReadings(t *testing.T) {
	record := realHello(t, &tls.Config{ServerName: "api.example.com"})
	sni := func(names ...string) (body []byte) {
		for _, n := range names {
			body = append(append(body, nameHost, byte(len(n)>>8), byte(len(n))), n...)
		}
		return append([]byte{byte(len(body) >> 8), byte(len(body))}, body...)
	}
	bare := realHello(t, &tls.Config{InsecureSkipVerify: true})
	for name, data := range map[string][]byte{
		"the name twice":       insert(record, extServerName, sni("evil.example")),
		"two names":            insert(bare, extServerName, sni("api.example.com", "evil.example")),
		"a zero in the name":   insert(bare, extServerName, sni("api.example.com\x00evil.example")),
		"an empty name":        insert(bare, extServerName, sni("")),
		"no name in the list":  insert(bare, extServerName, sni()),
		"bytes after the list": insert(bare, extServerName, append(sni("api.example.com"), 0)),
	} {
		if h, err := parseHello(data); !errors.Is(err, errBad) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	if h, err := parseHello(insert(bare, extServerName, sni("api.example.com"))); err != nil ||
		h.sni != "api.example.com" {
		t.Fatalf("the same, well-formed: %+v, %v: the cases above show nothing", h, err)
	}
	for name, data := range map[string]string{"HTTP": "GET / HTTP/1.1\r\n",
		"SSH": "SSH-2.0-x\r\n", "SSL 2": "\x80\x2e\x01\x00\x02",
		"alert": "\x15\x03\x03\x00\x02\x01\x00"} {
		if _, err := parseHello([]byte(data)); !errors.Is(err, errNotTLS) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parseHello([]byte("\x16\x03\x01\x40\x01")); !errors.Is(err, errBad) {
		t.Errorf("a record that is too long: %v", err)
	}
	if _, err := parseHello([]byte("\x16\x03\x01\x00\x04\x01\x01\x00\x00")); !errors.Is(
		err,
		errBad,
	) {
		t.Errorf("a message that is too long: %v", err)
	}
}

func FuzzHello(f *testing.F) {
	f.Add(realHello(f, &tls.Config{ServerName: "api.example.com"}))
	f.Add([]byte("\x16\x03\x01\x00\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHello(data)
		if err != nil && h.sni != "" && !errors.Is(err, errBad) {
			t.Errorf("%+v, %v", h, err)
		}
		if err == nil {
			// What follows a whole ClientHello changes nothing.
			if again, err := parseHello(append(bytes.Clone(data), 0)); err != nil || again != h {
				t.Errorf("%+v, then %+v, %v", h, again, err)
			}
		}
	})
}
