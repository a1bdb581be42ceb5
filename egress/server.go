package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Config is what a Server needs. The sockets are its own from Serve on.
type Config struct {
	Network   policies.Network
	Listeners []net.Listener // TCP, one a port: an accepted connection's own address is where the tool wants to go
	Packets   net.PacketConn // UDP, where the sandbox's resolver is
	Streams   net.Listener   // TCP, the same
	IPv6      bool           // the sandbox has IPv6: names get addresses of both families
	Resolver  Resolver       // nil: that of the policy, else the host's
	Record    func(monitor.Event)
	Closed    func(Flow)   // an allowed connection has ended; nil: nobody is told
	Pool      netip.Prefix // of the names' IPv4 addresses; zero: 198.18.0.0/15
}

// Server is the network of one sandbox.
type Server struct {
	policy *Policy
	dialer dialer
	pool   *pool
	meter  *meter
	ipv6   bool
	record func(monitor.Event)
	told   func(Flow)

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	flows  flows

	mu      sync.Mutex
	sockets []interface{ Close() error }
	conns   map[net.Conn]struct{}
	ended   bool
}

// Serve begins to answer and to relay, until Close.
func Serve(cfg Config) (*Server, error) {
	s := &Server{pool: newPool(cfg.Pool), meter: newMeter(cfg.Network.Limits), ipv6: cfg.IPv6, record: cfg.Record, told: cfg.Closed, conns: map[net.Conn]struct{}{}}
	if !cfg.Pool.IsValid() {
		s.pool.v4 = pool4()
	}
	for _, l := range cfg.Listeners {
		s.sockets = append(s.sockets, l)
	}
	if cfg.Packets != nil {
		s.sockets = append(s.sockets, cfg.Packets)
	}
	if cfg.Streams != nil {
		s.sockets = append(s.sockets, cfg.Streams)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	var err error
	if s.policy, err = Compile(cfg.Network); err != nil {
		s.Close()
		return nil, err
	}
	s.dialer = dialer{policy: s.policy, resolver: cfg.Resolver, connect: connectTCP}
	if s.dialer.resolver == nil {
		if s.dialer.resolver, err = newResolver(cfg.Network.DNS); err != nil {
			s.Close()
			return nil, err
		}
	}
	for _, l := range cfg.Listeners {
		s.wg.Go(func() { s.accept(l) })
	}
	if cfg.Packets != nil {
		s.wg.Go(func() { s.servePackets(cfg.Packets) })
	}
	if cfg.Streams != nil {
		s.wg.Go(func() { s.serveStreams(cfg.Streams) })
	}
	return s, nil
}

// Close cuts all connections and waits until nothing of the server runs. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.ended = true
	for _, l := range s.sockets {
		l.Close()
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

func (s *Server) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// track lets Close cut a connection; one that comes too late is closed at once.
func (s *Server) track(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	if s.ended {
		c.Close()
	}
}

func (s *Server) untrack(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// pause waits after an error of a socket that may pass, such as too many open files; false: it will not.
func (s *Server) pause(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	select {
	case <-time.After(10 * time.Millisecond):
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if s.closed() || !s.pause(err) {
				return
			}
			continue
		}
		inside := conn.(*net.TCPConn)
		if !s.meter.enter() {
			reset(inside)
			s.limit("connections", s.meter.max)
			continue
		}
		s.track(inside)
		s.wg.Go(func() {
			defer s.meter.leave()
			defer s.untrack(inside)
			s.connection(inside)
		})
	}
}

// connection decides about one connection, and relays it.
func (s *Server) connection(inside *net.TCPConn) {
	wanted := inside.LocalAddr().(*net.TCPAddr).AddrPort()
	addr, port := wanted.Addr().Unmap(), int(wanted.Port())
	name, refusal := s.judge(addr, port)
	if refusal != nil {
		if refusal.Reason != "" {
			s.refuse(refusal, endpoint(name, wanted, port), "reset")
		}
		reset(inside)
		return
	}
	began := time.Now()
	outside, err := s.dial(name, addr, port)
	if err != nil {
		var refused errRefused
		switch {
		case s.ctx.Err() != nil: // the sandbox has ended
		case errors.As(err, &refused):
			s.refuse(refused.Refusal, endpoint(name, nil, port), "reset")
		default:
			s.unreachable(name, addr, port, err)
		}
		reset(inside)
		return
	}
	s.track(outside)
	defer s.untrack(outside)
	r := &relay{server: s, ctx: s.ctx, inside: inside, outside: outside, name: name, port: port}
	r.run()
	f := Flow{Host: name, Port: port, Connections: 1, Sent: r.sent.Load(), Received: r.got.Load(), Duration: time.Since(began)}
	if f.Host == "" {
		f.Host = addr.String()
	}
	s.flows.add(f)
	if s.told != nil {
		s.told(f)
	}
}

// judge finds out what an address that was dialled inside means. A refusal without a reason is not worth an event: the
// sandbox's own loopback device, where nobody listens.
func (s *Server) judge(addr netip.Addr, port int) (name string, _ *Refusal) {
	name, ours := s.pool.name(addr)
	switch {
	case ours && name == "":
		return "", &Refusal{Rule: RuleAddress, Reason: addr.String() + " is no name's address: it was looked up long ago, or not at all"}
	case ours:
		return name, s.policy.Connect(name, port)
	}
	refusal := s.policy.Literal(addr, port)
	if refusal != nil && addr.IsLoopback() {
		refusal = &Refusal{}
	}
	return "", refusal
}

func (s *Server) dial(name string, addr netip.Addr, port int) (*net.TCPConn, error) {
	targets := []netip.AddrPort{netip.AddrPortFrom(addr, uint16(port))}
	if name != "" {
		var err error
		if targets, err = s.dialer.targets(s.ctx, name, port); err != nil {
			return nil, err
		}
	}
	return s.dialer.race(s.ctx, targets)
}
