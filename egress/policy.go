package egress

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

// Policy decides what may be reached. It is pure: it does no look-ups and keeps no state.
type Policy struct {
	allow, deny []hostrule.Rule // allow always with ports
	methods     [][]string      // of each in allow
	secrets     []hostrule.Rule // where they go
	private     bool
	ech         bool
}

// DefaultPorts are the ports of an allowed entry that names none.
var DefaultPorts = [...]int{443, 80}

// Compile reads the lists of a policy.
func Compile(n policies.Network) (*Policy, error) {
	p := &Policy{private: n.Private == policies.PrivateAllowListed, ech: n.ECH == policies.ECHAllow}
	for _, entry := range n.Allow {
		r, err := entry.Rule()
		if err != nil {
			return nil, fmt.Errorf("network.allow: %w", err)
		}
		if len(r.Ports) == 0 {
			r.Ports = DefaultPorts[:]
		}
		p.allow, p.methods = append(p.allow, r), append(p.methods, entry.Methods)
	}
	for _, entry := range n.Deny {
		r, err := entry.Rule()
		if err != nil {
			return nil, fmt.Errorf("network.deny: %w", err)
		}
		p.deny = append(p.deny, r)
	}
	return p, nil
}

// Ports returns the ports at which a host is allowed, sorted.
func (p *Policy) Ports() (ports []int) {
	for _, r := range p.allow {
		ports = append(ports, r.Ports...)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// Refusal says why something is not allowed.
type Refusal struct {
	Rule   string // of the event: "egress:name" …
	Escape bool   // an attempt at the host or its cloud
	Reason string // one sentence
	Hint   string
}

// Rules of refusals and of their events.
const (
	RuleName     = monitor.RuleEgress + "name"     // a name that is not allowed
	RulePort     = monitor.RuleEgress + "port"     // an allowed name at another port
	RuleAddress  = monitor.RuleEgress + "address"  // an address that is not allowed
	RulePrivate  = monitor.RuleEgress + "private"  // an allowed name that leads to a local address
	RuleMetadata = monitor.RuleEgress + "metadata" // the cloud's metadata service
	RuleSNI      = monitor.RuleEgress + "sni"      // a TLS handshake for another name
	RuleTLS      = monitor.RuleEgress + "tls"      // no TLS where it is due, or an encrypted name
	RuleDown     = monitor.RuleEgress + "unreachable"
	RuleLimit    = monitor.RuleEgress + "limit"
)

// LookUp decides whether a canonical name gets an address: it does if it is allowed at any port.
func (p *Policy) LookUp(name string) *Refusal {
	for _, r := range p.allow {
		for _, port := range r.Ports {
			if r.MatchesName(name, port) && !p.denied(name, port) {
				return nil
			}
		}
	}
	return p.refuseName(name, 0)
}

// Connect decides about a connection to a canonical name, before its addresses are known.
func (p *Policy) Connect(name string, port int) *Refusal {
	if p.denied(name, port) {
		return p.refuseName(name, port)
	}
	for _, r := range p.allow {
		if r.MatchesName(name, port) {
			return nil
		}
	}
	if p.LookUp(name) != nil {
		return p.refuseName(name, port)
	}
	return &Refusal{
		Rule:   RulePort,
		Reason: fmt.Sprintf("%s is not allowed at port %d", name, port),
		Hint:   "to allow it: --allow-net " + hostrule.Join(name, port),
	}
}

// namesIt reports whether the policy spells a name out. A look-up of it then reveals nothing that
// the tool chose.
func (p *Policy) namesIt(name string) bool {
	return slices.ContainsFunc(p.allow,
		func(r hostrule.Rule) bool { return !r.Below && !r.Any && r.Name == name })
}

func (p *Policy) denied(name string, port int) bool {
	return slices.ContainsFunc(p.deny,
		func(r hostrule.Rule) bool { return r.MatchesName(name, port) })
}

const theMetadataService = ": the cloud's metadata service, which hands out the host's credentials"

func (p *Policy) refuseName(name string, port int) *Refusal {
	if metadataName(name) {
		return &Refusal{
			Rule:   RuleMetadata,
			Escape: true,
			Reason: name + theMetadataService,
			Hint:   "never needed by a tool",
		}
	}
	if p.denied(name, port) || port == 0 && p.denied(name, DefaultPorts[0]) {
		return &Refusal{
			Rule:   RuleName,
			Reason: name + " is in network.deny",
			Hint:   "to allow it, take it out of network.deny",
		}
	}
	target := name
	if port != 0 && !slices.Contains(DefaultPorts[:], port) {
		target = hostrule.Join(name, port)
	}
	return &Refusal{
		Rule:   RuleName,
		Reason: name + " is not in network.allow",
		Hint:   "to allow it: --allow-net " + target,
	}
}

// Literal decides about a connection to an address that is not of a look-up.
func (p *Policy) Literal(addr netip.Addr, port int) *Refusal {
	addr = addr.Unmap()
	kind := kindOf(addr)
	refused := &Refusal{
		Rule:   RuleAddress,
		Reason: fmt.Sprintf("the address %s, port %d, is not in network.allow", addr, port),
		Hint:   "to allow it: --allow-net " + hostrule.Join(addr.String(), port),
	}
	if kind == metadata {
		refused = p.refuseMetadata(addr)
	}
	if kind == never || p.deniedAddr(addr, port) {
		refused.Hint = ""
		return refused
	}
	for _, r := range p.allow {
		if r.MatchesAddr(addr, port) && (kind == public || names(r.Range, kind)) {
			return nil
		}
	}
	return refused
}

// Target decides about an address of an allowed name.
func (p *Policy) Target(name string, addr netip.Addr, port int) *Refusal {
	addr = addr.Unmap()
	kind := kindOf(addr)
	refused := &Refusal{
		Rule:   RulePrivate,
		Reason: fmt.Sprintf("%s leads to %s, %s", name, addr, kind),
		Hint:   "to allow it: --allow-net " + hostrule.Join(addr.String(), port),
	}
	if kind == metadata {
		refused = p.refuseMetadata(addr)
		refused.Reason = name + " leads to " + refused.Reason
	}
	if kind == never || p.deniedAddr(addr, port) {
		refused.Hint = ""
		return refused
	}
	if kind == public || kind == private && p.private {
		return nil
	}
	for _, r := range p.allow {
		if r.MatchesAddr(addr, port) && names(r.Range, kind) {
			return nil
		}
	}
	return refused
}

func (p *Policy) refuseMetadata(addr netip.Addr) *Refusal {
	return &Refusal{
		Rule:   RuleMetadata,
		Escape: true,
		Reason: addr.String() + theMetadataService,
		Hint:   "never needed by a tool",
	}
}

// deniedAddr also looks at the IPv4 address to which NAT64 and the like lead.
func (p *Policy) deniedAddr(addr netip.Addr, port int) bool {
	inner, _ := inside(addr)
	return slices.ContainsFunc(p.deny, func(r hostrule.Rule) bool {
		return r.MatchesAddr(addr, port) || r.MatchesAddr(inner, port)
	})
}
