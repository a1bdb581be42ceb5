package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/egress/intercept"
	"github.com/mcpbox/mcpbox/policies"
)

// Config is what a Server needs. From Serve on, the server owns the sockets.
type Config struct {
	Network policies.Network
	// TCP, one for each port. The local address of an accepted connection is where the tool wants
	// to go
	Listeners []net.Listener
	Packets   net.PacketConn // UDP, where the sandbox's resolver is
	Streams   net.Listener   // TCP, the same
	IPv6      bool           // the sandbox has IPv6: names get addresses of both families
	Resolver  Resolver       // nil: that of the policy, else the host's
	// of a connection or a look-up that comes now; nil, or a nil Owner: nobody's
	Owner     func() Owner
	Secrets   []intercept.Secret
	Authority *intercept.Authority // nil: no requests are read
	Roots     *x509.CertPool       // for hosts whose requests are read; nil: the host's
	Pool      netip.Prefix         // of the names' IPv4 addresses; zero: 198.18.0.0/15
}

// Server is the network of one sandbox.
type Server struct {
	policy *Policy
	dialer dialer
	pool   *pool
	meter  *meter
	ipv6   bool
	proxy  int // port of the proxy on the loopback device, 0: none
	owner  func() Owner

	secrets   []intercept.Secret
	authority *intercept.Authority
	roots     *x509.CertPool
	intercept *intercept.Interceptor // nil until it is needed

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	sockets []io.Closer
	streams map[net.Conn]struct{} // to the resolver
	relays  map[*relay]struct{}
	ended   bool
}

// Serve answers look-ups and relays connections until Close.
func Serve(cfg Config) (*Server, error) {
	s := &Server{pool: newPool(cfg.Pool), meter: newMeter(cfg.Network.Limits), ipv6: cfg.IPv6,
		proxy: cfg.Network.Proxy, owner: cfg.Owner, secrets: cfg.Secrets, authority: cfg.Authority,
		roots: cfg.Roots, streams: map[net.Conn]struct{}{}, relays: map[*relay]struct{}{}}
	if s.owner == nil {
		s.owner = func() Owner { return nil }
	}
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
	if err := s.compile(cfg); err != nil {
		s.Close()
		return nil, err
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

func (s *Server) compile(cfg Config) (err error) {
	if s.policy, err = Compile(cfg.Network); err != nil {
		return err
	}
	for i := range cfg.Secrets {
		rules, err := cfg.Secrets[i].Rules()
		if err != nil {
			return err
		}
		s.policy.secrets = append(s.policy.secrets, rules...)
	}
	s.dialer.policy, s.dialer.connect = s.policy, connectTCP
	s.dialer.names.ctx, s.dialer.names.known = s.ctx, map[string]*lookUp{}
	s.dialer.names.resolver = cfg.Resolver
	if cfg.Resolver == nil {
		s.dialer.names.resolver, err = newResolver(cfg.Network.DNS)
	}
	return err
}

// Close cuts all connections, and waits until no goroutine of the server runs. It may be called
// twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.ended = true
	for _, l := range s.sockets {
		_ = l.Close()
	}
	for c := range s.streams {
		_ = c.Close()
	}
	for r := range s.relays {
		r.close()
	}
	reading := s.intercept
	s.mu.Unlock()
	s.cancel()
	if reading != nil {
		reading.Close()
	}
	s.wg.Wait()
}

// lastWords is the time for what a process sent before its end to reach the host.
const lastWords = time.Second

// End waits until the last bytes of an owner that has ended are sent, and cuts its connections.
// After it, the owner has the record of each connection.
func (s *Server) End(o Owner) {
	s.mu.Lock()
	var all []*relay
	for r := range s.relays {
		if r.owner == o {
			all = append(all, r)
		}
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, lastWords)
	defer cancel()
	for _, r := range all {
		select {
		case <-r.said:
		case <-r.done:
		case <-ctx.Done():
		}
	}
	for _, r := range all {
		r.close()
		<-r.done
	}
}

// Traffic returns how many bytes have gone over the open connections of an owner.
func (s *Server) Traffic(o Owner) (sent, received int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.relays {
		if r.owner == o {
			in, out := r.traffic()
			sent, received = sent+in, received+out
		}
	}
	return sent, received
}

func (s *Server) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// track lets Close cut a stream. After Close it closes the stream at once.
func (s *Server) track(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[c] = struct{}{}
	if s.ended {
		_ = c.Close()
	}
}

func (s *Server) untrack(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, c)
}

// pause waits after an error that may pass, such as too many open files. It returns false if the
// error will not pass.
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
		inside, ok := conn.(*net.TCPConn)
		if !ok { // a listener of another kind is a mistake of the caller's
			_ = conn.Close()
			return
		}
		r := newRelay(s, inside)
		if !s.meter.enter() {
			r.limit("connections", s.meter.max)
			reset(inside)
			continue
		}
		if !takeConnection() {
			s.meter.leave()
			r.scarce()
			reset(inside)
			continue
		}
		s.mu.Lock()
		s.relays[r] = struct{}{}
		if s.ended {
			r.close()
		}
		s.mu.Unlock()
		s.wg.Go(func() {
			defer s.meter.leave()
			defer leaveConnection()
			r.run()
			s.mu.Lock()
			delete(s.relays, r)
			s.mu.Unlock()
			close(r.done)
		})
	}
}

// judge finds out what an address that was dialled inside means. A refusal without a reason makes
// no event: it is for the sandbox's own loopback device, where nobody listens.
func (s *Server) judge(addr netip.Addr, port int) (name string, _ *Refusal) {
	name, ours := s.pool.name(addr)
	switch {
	case ours && name == "":
		return "", &Refusal{
			Rule:   RuleAddress,
			Reason: addr.String() + " is no name's address: it was never looked up, or long ago",
		}
	case ours:
		return name, s.policy.Connect(name, port)
	}
	refusal := s.policy.Literal(addr, port)
	if refusal != nil && addr.IsLoopback() {
		refusal = &Refusal{}
	}
	return "", refusal
}

func (s *Server) dial(ctx context.Context, name string, to netip.AddrPort) (*net.TCPConn, error) {
	targets := []netip.AddrPort{to}
	if name != "" {
		var err error
		if targets, err = s.dialer.targets(ctx, name, int(to.Port())); err != nil {
			return nil, err
		}
	}
	conn, err := s.dialer.race(ctx, targets)
	if err != nil && name != "" {
		s.dialer.names.forget(name)
	}
	return conn, err
}
