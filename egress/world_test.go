package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// world is a sandbox's network on the test's loopback device: all of 127.0.0.0/8 is local there, as
// every address is in a sandbox. Names live in 127.N.0.0/16, servers at an address beside it, so
// that both can have the same port.
type world struct {
	t      *testing.T
	server *Server
	pool   netip.Prefix
	target string // where the world's servers are
	dns    *testnet.NameServer
	ipv6   bool
	flows  Flows

	mu     sync.Mutex
	events []monitor.Event
}

func newWorld(t *testing.T) *world {
	n := 20 + rand.IntN(200)
	w := &world{
		t:      t,
		pool:   netip.MustParsePrefix(fmt.Sprintf("127.%d.0.0/16", n)),
		target: fmt.Sprintf("127.%d.0.1", n+1),
	}
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	w.dns = testnet.ServeNames(conn)
	return w
}

// serve runs the network with the listeners that connections to the names, in the order of the
// list, and to addresses need.
func (w *world) serve(n policies.Network, ports []int, names, addrs []string) {
	w.t.Helper()
	n.DNS.Servers = append(n.DNS.Servers, w.dns.Addr)
	pool := newPool(w.pool)
	for _, name := range names {
		v4, _ := pool.addresses(name)
		addrs = append(addrs, v4.String())
	}
	cfg := Config{Network: n, Pool: w.pool, IPv6: w.ipv6, Owner: func() Owner { return w }}
	for _, addr := range addrs {
		for _, port := range ports {
			cfg.Listeners = append(cfg.Listeners,
				listen(w.t, net.JoinHostPort(addr, strconv.Itoa(port))))
		}
	}
	var err error
	cfg.Streams = listen(w.t, "127.0.0.1:0")
	if cfg.Packets, err = net.ListenPacket("udp4", cfg.Streams.Addr().String()); err != nil {
		w.t.Fatal(err)
	}
	if w.server, err = Serve(cfg); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names { // in the same order, so with the same addresses
		w.server.pool.addresses(name)
	}
	w.t.Cleanup(w.server.Close)
}

// The world is the owner of all its connections.
func (w *world) Record(e monitor.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

func (w *world) Call() *monitor.Call { return nil }

func (w *world) Reached(f Flow) { w.flows.Add(f) }

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// dial connects to a name as the tool does: by the address that the resolver gives.
func (w *world) dial(name string, port int) *net.TCPConn {
	w.t.Helper()
	addrs, err := w.lookUp(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.connect(netip.AddrPortFrom(addrs[0], uint16(port)))
}

// connect returns nil if the connection is refused at once.
func (w *world) connect(to netip.AddrPort) *net.TCPConn {
	w.t.Helper()
	conn, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(to))
	if errors.Is(err, unix.ECONNRESET) { // so quickly that connect(2) hears of it
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

func (w *world) lookUp(name string) ([]netip.Addr, error) {
	r := net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network,
				w.server.sockets[len(w.server.sockets)-2].(net.PacketConn).LocalAddr().String())
		},
	}
	return r.LookupNetIP(context.Background(), "ip4", name+".")
}

// refused reads until the connection ends, which must be by a reset, with nothing said before.
func (w *world) refused(conn *net.TCPConn) {
	w.t.Helper()
	if conn == nil {
		return
	}
	data, err := io.ReadAll(conn)
	if err == nil || len(data) > 0 || !strings.Contains(err.Error(), "reset") {
		w.t.Errorf("the connection was not reset: %q, %v", data, err)
	}
}

// event waits for one of the rule, which must be the only one of it.
func (w *world) event(rule string) monitor.Event {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for ; time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		i := slices.IndexFunc(w.events, func(e monitor.Event) bool { return e.Rule == rule })
		if i >= 0 {
			defer w.mu.Unlock()
			return w.events[i]
		}
		w.mu.Unlock()
	}
	w.t.Fatalf("no event of %s: %+v", rule, w.events)
	return monitor.Event{}
}

func (w *world) noEvents() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		w.t.Errorf("event: %s", e.Summary())
	}
}

// echo is a server of the world that sends back what it gets, and ends when the client does.
func (w *world) echo(port int) int {
	w.t.Helper()
	l := listen(w.t, net.JoinHostPort(w.target, strconv.Itoa(port)))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}
