package door

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Conns bounds open connections: of each peer, and of all together. Its State is for
// http.Server.ConnState, and closes at once what is too much.
type Conns struct {
	Most, All int

	mu   sync.Mutex
	of   map[net.Conn]string
	open map[string]int
}

// State implements http.Server.ConnState.
func (c *Conns) State(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if !c.add(conn, peerOf(conn)) {
			_ = conn.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.remove(conn)
	}
}

// peerOf is a Unix socket's user, or the host of an address.
func peerOf(conn net.Conn) string {
	if uid, ok := Credentials(context.Background(), conn).Value(peerKey).(int); ok {
		return strconv.Itoa(uid)
	}
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	return host
}

func (c *Conns) add(conn net.Conn, peer string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of, c.open = map[net.Conn]string{}, map[string]int{}
	}
	c.of[conn] = peer
	c.open[peer]++
	return c.open[peer] <= c.Most && len(c.of) <= c.All
}

func (c *Conns) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	peer := c.of[conn]
	delete(c.of, conn)
	if c.open[peer]--; c.open[peer] == 0 {
		delete(c.open, peer)
	}
}
