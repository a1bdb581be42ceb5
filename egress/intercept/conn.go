package intercept

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// conn is a connection from inside, below TLS.
type conn struct {
	net.Conn
	terms *Terms
	once  sync.Once
	done  chan struct{}
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.done) })
	return err
}

func termsOfConn(c net.Conn) *Terms {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conn).terms
}

// Serve reads the requests that come over a connection, and closes it. It returns at its end.
func (i *Interceptor) Serve(ctx context.Context, inside net.Conn, terms Terms) {
	c := &conn{Conn: inside, terms: &terms, done: make(chan struct{})}
	var served net.Conn = c
	if terms.TLS {
		served = tls.Server(c, &tls.Config{NextProtos: []string{"h2", "http/1.1"},
			MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return i.authority.leaf(terms.Name)
			}})
	}
	select {
	case i.conns <- served:
	case <-i.ended:
		_ = c.Close()
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		_ = c.Close()
	}
}

// listener gives the connections to an http.Server.
type listener struct{ *Interceptor }

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ended:
		return nil, errEnded
	}
}

func (l listener) Close() error   { return nil }
func (l listener) Addr() net.Addr { return &net.TCPAddr{} }
