package intercept

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/policies"
)

const host = "api.example.test"

// backend is a host that speaks HTTP/1.1 only, and keeps every byte that it is sent.
type backend struct {
	net.Listener
	mu  sync.Mutex
	got bytes.Buffer
}

func (b *backend) serve() {
	for {
		conn, err := b.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buf := make([]byte, 4096)
			for {
				n, err := conn.Read(buf)
				b.mu.Lock()
				b.got.Write(buf[:n])
				whole := bytes.Contains(b.got.Bytes(), []byte("\r\n\r\n"))
				b.mu.Unlock()
				if whole {
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
				if err != nil {
					return
				}
			}
		}()
	}
}

// take returns what has come since the last time.
func (b *backend) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.got.Reset()
	return b.got.String()
}

// overHTTP2 sends one request with these fields, and returns its status, or what the connection
// ended with.
func overHTTP2(t *testing.T, i *Interceptor, terms Terms, roots *x509.CertPool,
	fields [][2]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a connection with buffers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		i.Serve(t.Context(), theirs, terms)
	}()
	defer func() { <-served }()
	defer ours.Close()
	_ = ours.SetDeadline(time.Now().Add(10 * time.Second))
	conn := tls.Client(ours, &tls.Config{RootCAs: roots, ServerName: host,
		NextProtos: []string{"h2"}})
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.AllowIllegalWrites = true
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range fields {
		_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	sent := false
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return "end"
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if sent || f.IsAck() {
				continue
			}
			sent = true
			_ = framer.WriteSettings()
			_ = framer.WriteSettingsAck()
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true,
				EndStream: true, BlockFragment: block.Bytes()})
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "reset"
		case *http2.GoAwayFrame:
			return "away"
		}
	}
}

// A request of HTTP/2 is written anew as HTTP/1.1. Nothing in it may become a second request, or
// one for another host or with another method than what was checked.
func TestHTTP2IsNotSmuggledIntoHTTP1(t *testing.T) {
	ca := testnet.NewCA(t)
	config := ca.Server(host)
	config.NextProtos = []string{"http/1.1"}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := &backend{Listener: l}
	go b.serve()
	text, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	roots, trusted := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	authority, err := NewAuthority([]string{host})
	if err != nil {
		t.Fatal(err)
	}
	trusted.AppendCertsFromPEM(authority.PEM())
	value, err := secret.Of("TOKEN", hush).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i, err := New(Config{Authority: authority, Roots: roots,
		Secrets: []Secret{{Value: value, Placeholder: "PLACEHOLDER",
			Secret: policies.Secret{Name: "TOKEN", Hosts: []string{host}, Header: "X-Key"}}},
		Dial: func(context.Context, string, int) (net.Conn, error) {
			return net.Dial("tcp", l.Addr().String())
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	terms := Terms{Name: host, Port: 443, TLS: true, Methods: []string{"GET"},
		Report: func(Finding) {}, Failed: func(error) {}}
	usual := func(path string, more ...[2]string) [][2]string {
		return append([][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", host},
			{":path", path}}, more...)
	}
	status := overHTTP2(t, i, terms, trusted, usual("/plain", [2]string{"x-key", "PLACEHOLDER"}))
	if got := b.take(); status != "200" || !strings.HasPrefix(got, "GET /plain HTTP/1.1\r\n") ||
		!strings.Contains(got, "X-Key: "+hush+"\r\n") {
		t.Fatalf("a usual request does not arrive: %s %q", status, got)
	}
	evil := "evil.example.test"
	for what, fields := range map[string][][2]string{
		"a line in the path":     usual("/a HTTP/1.1\r\nHost: " + evil + "\r\n\r\nGET /hidden"),
		"a space in the path":    usual("/a HTTP/1.1"),
		"a space in the query":   usual("/a?b HTTP/1.1"),
		"a tab in the path":      usual("/a\tHTTP/1.1"),
		"another host's URL":     usual("https://" + evil + "/hidden"),
		"no slash":               usual("hidden"),
		"a scheme and no slash":  usual("https:hidden"),
		"a line in a value":      usual("/", [2]string{"x", "a\r\nHost: " + evil}),
		"a line in a name":       usual("/", [2]string{"x: a\r\nhost", evil}),
		"a colon in a name":      usual("/", [2]string{"host:x", evil}),
		"chunks":                 usual("/", [2]string{"transfer-encoding", "chunked"}),
		"a length":               usual("/", [2]string{"content-length", "50"}),
		"a connection's header":  usual("/", [2]string{"connection", "x-key"}),
		"an upgrade":             usual("/", [2]string{"upgrade", "h2c"}),
		"two hosts":              usual("/", [2]string{"host", evil}),
		"two paths":              usual("/", [2]string{":path", "/hidden"}),
		"two authorities":        usual("/", [2]string{":authority", evil}),
		"two methods":            usual("/", [2]string{":method", "DELETE"}),
		"a method after headers": usual("/", [2]string{"x", "a"}, [2]string{":method", "PUT"}),
		"a protocol":             usual("/", [2]string{":protocol", "websocket"}),
		"an unknown pseudo":      usual("/", [2]string{":host", evil}),
		"capital letters":        usual("/", [2]string{"Host", evil}),
		"another authority": {{":method", "GET"}, {":scheme", "https"}, {":authority", evil},
			{":path", "/hidden"}},
		"a user in the authority": {{":method", "GET"}, {":scheme", "https"},
			{":authority", host + "@" + evil}, {":path", "/hidden"}},
		"no authority": {{":method", "GET"}, {":scheme", "https"}, {":path", "/hidden"},
			{"host", evil}},
		"a method in two words": {{":method", "GET /hidden HTTP/1.1\r\nX:"}, {":scheme", "https"},
			{":authority", host}, {":path", "/"}},
		"a method with a space": {{":method", "GET /hidden"}, {":scheme", "https"},
			{":authority", host}, {":path", "/"}},
		"another method": {{":method", "DELETE"}, {":scheme", "https"}, {":authority", host},
			{":path", "/hidden"}},
		"an extended CONNECT": {{":method", "CONNECT"}, {":protocol", "websocket"},
			{":scheme", "https"}, {":authority", host}, {":path", "/hidden"}},
		"a CONNECT": {{":method", "CONNECT"}, {":authority", evil + ":443"}},
	} {
		status := overHTTP2(t, i, terms, trusted, fields)
		got := b.take()
		if got == "" {
			continue // refused
		}
		head, rest, _ := strings.Cut(got, "\r\n\r\n")
		line, headers, _ := strings.Cut(head, "\r\n")
		words := strings.Split(line, " ")
		if len(words) != 3 || words[0] != "GET" || words[2] != "HTTP/1.1" || rest != "" ||
			strings.Count(strings.ToLower("\r\n"+headers), "\r\nhost:") != 1 ||
			!strings.Contains(headers, "Host: "+host+"\r\n") || strings.Contains(got, "hidden") ||
			strings.Contains(headers, "Transfer-Encoding") {
			t.Errorf("%s: %s, and the host is sent %q", what, status, got)
		}
	}
}
