package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

const (
	lookUpTime  = 10 * time.Second
	connectTime = 15 * time.Second
	headStart   = 250 * time.Millisecond // of an address over the next one. RFC 8305
	maxTargets  = 8                      // addresses of one name that are tried
)

// Resolver looks a name up outside; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// newResolver asks the host's resolver, or the servers that the policy names.
func newResolver(n policies.NetworkDNS) (Resolver, error) {
	if len(n.Servers) == 0 {
		return &net.Resolver{PreferGo: true}, nil
	}
	servers := make([]string, len(n.Servers))
	for i, text := range n.Servers {
		server, err := policies.DNSServer(text)
		if err != nil {
			return nil, err
		}
		servers[i] = server.String()
	}
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			var errs error
			for _, server := range servers {
				conn, err := d.DialContext(ctx, network, server)
				if err == nil {
					return conn, nil
				}
				errs = errors.Join(errs, err)
			}
			return nil, errs
		},
	}, nil
}

// dialer connects to hosts that the policy allows. It looks a name up once, checks the addresses,
// and dials only those.
type dialer struct {
	policy  *Policy
	names   lookUps
	connect func(context.Context, netip.AddrPort) (*net.TCPConn, error)
}

// errRefused is a refusal because of the addresses of a name.
type errRefused struct{ *Refusal }

func (e errRefused) Error() string { return e.Reason }

// targets returns the addresses to dial for a name. If one of them is not allowed, all are refused.
func (d *dialer) targets(ctx context.Context, name string, port int) ([]netip.AddrPort, error) {
	found := d.names.begin(name)
	addrs, err := found.wait(ctx)
	if err != nil {
		return nil, err
	}
	var out []netip.AddrPort
	for _, addr := range addrs {
		addr = addr.Unmap()
		if refusal := d.policy.Target(name, addr, port); refusal != nil {
			return nil, errRefused{refusal}
		}
		if addr == found.own {
			return nil, errRefused{
				&Refusal{
					Rule:   RulePrivate,
					Reason: name + " leads to " + addr.String() + ", an address of this host",
				},
			}
		}
		out = append(out, netip.AddrPortFrom(addr, uint16(port)))
	}
	if len(out) == 0 {
		return nil, errors.New("no such host")
	}
	return interleave(out)[:min(len(out), maxTargets)], nil
}

// interleave alternates between IPv4 and IPv6, and keeps the order within each (RFC 8305, section
// 4).
func interleave(in []netip.AddrPort) (out []netip.AddrPort) {
	var first, second []netip.AddrPort
	for _, a := range in {
		if a.Addr().Is4() == in[0].Addr().Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			out = append(out, first[i])
		}
		if i < len(second) {
			out = append(out, second[i])
		}
	}
	return out
}

// race dials the targets one after the other. The next one starts when the one before has failed,
// or after headStart. The first connection wins.
func (d *dialer) race(ctx context.Context, targets []netip.AddrPort) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if len(targets) == 1 {
		return d.connect(ctx, targets[0])
	}
	type result struct {
		conn *net.TCPConn
		err  error
	}
	results := make(chan result, len(targets))
	next, running := 0, 0
	start := func() {
		target := targets[next]
		next++
		running++
		go func() {
			conn, err := d.connect(ctx, target)
			results <- result{conn, err}
		}()
	}
	start()
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	var failed error
	for running > 0 {
		select {
		case r := <-results:
			running--
			if r.err == nil {
				cancel()
				go func(late int) { // of those that came second
					for range late {
						if r := <-results; r.conn != nil {
							r.conn.Close()
						}
					}
				}(running)
				return r.conn, nil
			}
			if failed == nil {
				failed = r.err
			}
		case <-timer.C:
		}
		if next < len(targets) {
			start()
			timer.Reset(headStart)
		}
	}
	return nil, failed
}

func connectTCP(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// ownAddress reports whether addr is an address of this host. The kernel would then also send from
// it. Nothing is sent: connecting a UDP socket only chooses a route. udp(7)
func ownAddress(addr netip.Addr) bool {
	var family int
	var to unix.Sockaddr
	if addr.Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Port: 9, Addr: addr.As4()}
	} else {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: 9, Addr: addr.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false // no such family: nor will it be dialled
	}
	defer unix.Close(fd)
	if unix.Connect(fd, to) != nil {
		return false // no route
	}
	from, err := unix.Getsockname(fd)
	if err != nil {
		return true
	}
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(from.Addr) == addr
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(from.Addr) == addr
	}
	return true
}
