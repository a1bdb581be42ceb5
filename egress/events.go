package egress

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"github.com/mcpbox/mcpbox/monitor"
)

// Owner is the process that a connection belongs to. Its methods are called from several
// goroutines.
type Owner interface {
	Record(monitor.Event) // something was refused
	Reached(Flow)         // an allowed connection has ended
	Call() *monitor.Call  // what it is at work for, when a connection comes; nil: nothing
}

// refused makes the event. An attempt at the host or its cloud is an escape attempt.
func refused(why *Refusal, at monitor.Endpoint, action string) monitor.Event {
	e := monitor.Event{
		Type:     monitor.PermissionDenied,
		Severity: monitor.Medium,
		Rule:     why.Rule,
		Reason:   why.Reason,
		Hint:     why.Hint,
		Action:   action,
		Network:  &at,
	}
	if why.Escape {
		e.Type, e.Severity = monitor.EscapeAttempt, monitor.High
	}
	return e
}

func (s *Server) refuseLookUp(name string, why *Refusal) {
	if owner := s.owner(); owner != nil {
		owner.Record(refused(why, monitor.Endpoint{Name: name}, "NXDOMAIN"))
	}
}

// refuse records why the connection is reset. sni is the name in the handshake if it differs.
func (r *relay) refuse(why *Refusal, sni string, at netip.Addr) {
	r.record(refused(why, r.endpoint(sni, at), "reset"))
}

// unreachable records that an allowed host did not answer. Inside, connect(2) has already
// succeeded.
func (r *relay) unreachable(err error) {
	at := r.endpoint("", r.wanted.Addr())
	r.record(
		monitor.Event{
			Type:     monitor.PermissionDenied,
			Severity: monitor.Low,
			Rule:     RuleDown,
			Action:   "reset",
			Network:  &at,
			Reason:   r.target() + " is allowed and can't be reached: " + cause(err),
		},
	)
}

// limit records that a connection was cut or not accepted. name is a key of network.limits.
func (r *relay) limit(name string, value int64) {
	reason := "opened more connections at a time than it may"
	if name == "bytes" {
		reason = "sent and received as many bytes as it may"
	}
	r.record(
		monitor.Event{
			Type:   monitor.ResourceLimitExceeded,
			Action: "reset",
			Rule:   RuleLimit,
			Reason: reason,
			Hint:   "raise network.limits." + name,
			Limit: &monitor.Limit{
				Name:     "network_" + name,
				Value:    value,
				Observed: value,
				Backend:  "egress",
			},
		},
	)
}

// scarce records that a connection was not accepted, because mcpbox needs its open files for other
// things.
func (r *relay) scarce() {
	most := budget()
	r.record(
		monitor.Event{
			Type:   monitor.ResourceLimitExceeded,
			Action: "reset",
			Rule:   RuleLimit,
			Reason: "mcpbox has no open files left for one more connection",
			Hint:   "raise the limit of open files of mcpbox: ulimit -n",
			Limit: &monitor.Limit{
				Name:     "network_connections",
				Value:    most / perConnection,
				Observed: taken.Load() / perConnection,
				Backend:  "egress",
			},
		},
	)
}

func (r *relay) record(e monitor.Event) {
	if r.owner != nil {
		e.Call = r.call
		r.owner.Record(e)
	}
}

// endpoint describes the other end, without addresses of the pool.
func (r *relay) endpoint(sni string, at netip.Addr) monitor.Endpoint {
	e := monitor.Endpoint{Name: r.name, Port: r.port(), SNI: sni}
	if _, ours := r.server.pool.name(at); at.IsValid() && !ours {
		e.Address = at.Unmap().String()
	}
	return e
}

// cause returns the innermost reason, without addresses of the host.
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
