package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

// refuse records what was refused. An attempt at the host or its cloud is an escape attempt.
func (s *Server) refuse(why *Refusal, at monitor.Endpoint, action string) {
	e := monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.Medium, Rule: why.Rule, Reason: why.Reason, Hint: why.Hint, Action: action, Network: &at}
	if why.Escape {
		e.Type, e.Severity = monitor.EscapeAttempt, monitor.High
	}
	s.send(e)
}

func (s *Server) refuseLookUp(name string, why *Refusal) {
	s.refuse(why, monitor.Endpoint{Name: name}, "NXDOMAIN")
}

// unreachable tells of an allowed connection that could not be made: inside, connect(2) had succeeded by then.
func (s *Server) unreachable(name string, addr netip.Addr, port int, err error) {
	host := name
	if host == "" {
		host = addr.String()
	}
	s.send(monitor.Event{Type: monitor.PermissionDenied, Severity: monitor.Low, Rule: RuleDown, Action: "reset",
		Reason: fmt.Sprintf("%s is allowed and can't be reached: %s", hostrule.Join(host, port), cause(err)), Network: &monitor.Endpoint{Name: name, Address: literal(name, addr), Port: port}})
}

func literal(name string, addr netip.Addr) string {
	if name != "" {
		return "" // one of the pool's: it says nothing
	}
	return addr.String()
}

// cause is the innermost reason, without the host's own addresses.
func cause(err error) string {
	var dns *net.DNSError
	var call *os.SyscallError
	switch {
	case errors.As(err, &dns):
		return "look-up: " + dns.Err
	case errors.As(err, &call):
		return call.Err.Error()
	case os.IsTimeout(err):
		return "time-out"
	}
	return err.Error()
}

// limit tells of a connection that was cut or not taken; name is a key of network.limits.
func (s *Server) limit(name string, value int64) {
	reason := map[string]string{"bytes": "sent and received as many bytes as it may", "connections": "opened more connections at a time than it may"}[name]
	name = "network_" + name
	s.send(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "reset", Rule: RuleLimit,
		Reason: reason, Hint: "raise network.limits." + name[len("network_"):],
		Limit: &monitor.Limit{Name: name, Value: value, Observed: value, Backend: "egress"}})
}

func (s *Server) send(e monitor.Event) {
	if s.record != nil {
		s.record(e)
	}
}

// endpoint describes the other end. at is an AddrPort, an address of package net, or nil; the pool's are left out.
func endpoint(name string, at fmt.Stringer, port int) monitor.Endpoint {
	e := monitor.Endpoint{Name: name, Port: port}
	if at == nil {
		return e
	}
	if where, err := netip.ParseAddrPort(at.String()); err == nil && !pool4().Contains(where.Addr().Unmap()) && !pool6().Contains(where.Addr()) {
		e.Address = where.Addr().Unmap().String()
	}
	return e
}
