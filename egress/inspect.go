package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/mcpbox/mcpbox/egress/intercept"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Rules of events about requests that are read.
const (
	RuleHost   = monitor.RuleEgress + string(intercept.KindHost)
	RuleMethod = monitor.RuleEgress + string(intercept.KindMethod)
	RuleSecret = monitor.RuleEgress + string(intercept.KindSecret)
	RuleEcho   = monitor.RuleEgress + string(intercept.KindEcho)
	RuleHTTP   = monitor.RuleEgress + string(intercept.KindHTTP)
)

// Inspected returns the names for which mcpbox reads requests. The authority may sign for them and
// for names below them. any means every name.
func Inspected(p *policies.Policy) (names []string, any bool) {
	add := func(host string) {
		switch r, err := (policies.NetworkRule{Host: host}).Rule(); {
		case err != nil:
		case r.Any:
			any = true
		case !slices.Contains(names, r.Name):
			names = append(names, r.Name)
		}
	}
	for i := range p.Secrets {
		rules, _ := p.Secrets[i].Rules() // of a policy that was validated
		for _, r := range rules {
			add(r.Host())
		}
	}
	for _, r := range p.Network.Allow {
		if len(r.Methods) > 0 {
			add(r.Host)
		}
	}
	return names, any
}

// terms reports whether requests to an allowed name are read, and which methods they may have. nil
// means all methods.
func (p *Policy) terms(name string, port int) (read bool, methods []string) {
	for i, r := range p.allow {
		if !r.MatchesName(name, port) {
			continue
		}
		if len(p.methods[i]) == 0 { // one entry that allows all is enough
			return p.hasSecret(name, port), nil
		}
		methods = append(methods, p.methods[i]...)
	}
	return methods != nil || p.hasSecret(name, port), methods
}

func (p *Policy) hasSecret(name string, port int) bool {
	for _, r := range p.secrets {
		if r.MatchesName(name, port) {
			return true
		}
	}
	return false
}

// dialInspected connects to a host for requests that were read.
func (s *Server) dialInspected(ctx context.Context, name string, port int) (net.Conn, error) {
	return s.dial(ctx, name, netip.AddrPortFrom(netip.Addr{}, uint16(port)))
}

// inspect checks the first bytes, and then has the requests read.
func (r *relay) inspect(methods []string) {
	defer close(r.said)
	began := time.Now()
	first, tls, err := r.hello()
	if err == nil && !tls && (r.server.policy.hasSecret(r.name, r.port()) || tlsPort(r.port())) {
		err = r.refuseHello(r.notTLS(), "")
	}
	if err != nil {
		reset(r.inside)
		return
	}
	_ = r.inside.SetReadDeadline(time.Time{})
	i, err := r.server.interceptor()
	if err != nil {
		r.unreachable(err)
		reset(r.inside)
		return
	}
	i.Serve(r.ctx, &counted{TCPConn: r.inside, relay: r, first: first}, intercept.Terms{
		Name: r.name, Port: r.port(), TLS: tls, Methods: methods, Report: r.found,
		Failed: r.failed})
	r.reached(began)
}

// found records what was found in a request or a response. The event names the call that runs now,
// not the one that opened the connection.
func (r *relay) found(f intercept.Finding) {
	if r.owner == nil {
		return
	}
	why := &Refusal{Rule: monitor.RuleEgress + string(f.Kind), Reason: f.Reason, Hint: f.Hint}
	e := refused(why, r.endpoint("", netip.Addr{}), f.Action)
	if f.Kind == intercept.KindEcho || f.Kind == intercept.KindSecret {
		e.Type = monitor.SuspiciousBehavior
	}
	e.Call = r.owner.Call()
	r.owner.Record(e)
}

// failed records why a host could not be reached.
func (r *relay) failed(err error) {
	var refused errRefused
	switch {
	case r.ctx.Err() != nil: // the tool or the sandbox has ended
	case errors.As(err, &refused):
		r.refuse(refused.Refusal, "", netip.Addr{})
	default:
		r.unreachable(err)
	}
}

// interceptor returns the interceptor. The first connection that needs it makes it.
func (s *Server) interceptor() (*intercept.Interceptor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, net.ErrClosed
	}
	if s.intercept == nil {
		i, err := intercept.New(intercept.Config{Secrets: s.secrets, Authority: s.authority,
			Dial: s.dialInspected, Connections: int(s.meter.max), Roots: s.roots})
		if err != nil {
			return nil, err
		}
		s.intercept = i
	}
	return s.intercept, nil
}

// counted is a connection from inside that counts its bytes. Its first bytes have already been
// read.
type counted struct {
	*net.TCPConn
	relay *relay
	first []byte
}

func (c *counted) Read(p []byte) (n int, err error) {
	if len(c.first) > 0 {
		n = copy(p, c.first)
		c.first = c.first[n:]
	} else {
		n, err = c.TCPConn.Read(p)
	}
	c.relay.sent.Add(int64(n))
	if cut := c.meter(n); cut != nil {
		return 0, cut
	}
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	if cut := c.meter(len(p)); cut != nil {
		return 0, cut
	}
	n, err := c.TCPConn.Write(p)
	c.relay.got.Add(int64(n))
	return n, err
}

// meter waits until n bytes may pass.
func (c *counted) meter(n int) error {
	m := c.relay.server.meter
	if !m.counts() || m.take(c.relay.ctx, n) == n {
		return nil
	}
	if c.relay.ctx.Err() == nil {
		c.relay.limit("bytes", m.bytes)
		c.relay.cancel()
	}
	return errLimit
}
