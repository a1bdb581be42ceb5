package intercept

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log" //nolint:depguard // net/http takes a *log.Logger; this one discards
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"
)

const (
	headTime = 15 * time.Second // for a handshake, and for the head of a request
	idleTime = 2 * time.Minute  // between two requests
	maxHead  = 256 << 10
)

// Config is what an Interceptor needs.
type Config struct {
	Secrets   []Secret
	Authority *Authority
	// Dial connects to a host that the policy allows.
	Dial        func(ctx context.Context, name string, port int) (net.Conn, error)
	Connections int            // at most, to one host; 0: no limit
	Roots       *x509.CertPool // whose certificates are taken; nil: the host's
}

// Interceptor reads the requests of one sandbox. Its methods may be called from several goroutines.
type Interceptor struct {
	secrets   []Secret
	mask      *mask
	authority *Authority
	server    *http.Server
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	conns     chan net.Conn
	ended     chan struct{}
	end       sync.Once
}

// Terms are those of one connection.
type Terms struct {
	Name    string // the host, as it was let through; TLS has named it
	Port    int
	TLS     bool
	Methods []string // that may be used; nil: all
	// Report is told what was refused, or masked, while the connection is open.
	Report func(Finding)
	// Failed is told why the host could not be reached.
	Failed func(error)
}

// New makes one, which serves until Close.
func New(cfg Config) (*Interceptor, error) {
	i := &Interceptor{secrets: cfg.Secrets, authority: cfg.Authority, conns: make(chan net.Conn),
		ended: make(chan struct{})}
	for n := range i.secrets {
		s := &i.secrets[n]
		var err error
		if s.hosts, err = s.Rules(); err != nil {
			return nil, err
		}
	}
	i.mask = newMask(i.secrets)
	quiet := log.New(io.Discard, "", 0)
	i.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				return nil, err
			}
			return cfg.Dial(ctx, host, n)
		},
		TLSClientConfig:        &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    headTime,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // the tool says what it wants, and mask what it can read
		MaxConnsPerHost:        cfg.Connections,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        time.Minute,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHead,
	}
	i.proxy = &httputil.ReverseProxy{Rewrite: i.rewrite, Transport: roundTripper{i},
		FlushInterval: -1, ErrorLog: quiet, ModifyResponse: i.modify, ErrorHandler: i.failed}
	i.server = &http.Server{Handler: http.HandlerFunc(i.handle), ErrorLog: quiet,
		ReadHeaderTimeout: headTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHead,
		TLSConfig: &tls.Config{NextProtos: []string{"h2", "http/1.1"}},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, termsKey{}, termsOfConn(c))
		}}
	go func() { _ = i.server.Serve(listener{i}) }() // it ends with Close
	return i, nil
}

type termsKey struct{}

func termsOf(r *http.Request) *Terms { return r.Context().Value(termsKey{}).(*Terms) }

var errEnded = errors.New("the sandbox has ended")

// Close cuts all connections, those to the hosts as well.
func (i *Interceptor) Close() {
	i.end.Do(func() {
		close(i.ended)
		_ = i.server.Close()
		i.transport.CloseIdleConnections()
	})
}
