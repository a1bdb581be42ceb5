package policies

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies/hostrule"
)

type NetworkMode string

const (
	NetworkNone  NetworkMode = "none"  // lo only
	NetworkAllow NetworkMode = "allow" // the hosts of Allow, by name
	NetworkHost  NetworkMode = "host"  // the host's
)

// Network says what the tool can reach. Most fields only apply to mode allow.
type Network struct {
	Mode  NetworkMode   `yaml:"mode,omitempty" json:"mode,omitempty" enum:"none,allow,host"`
	Allow []NetworkRule `yaml:"allow,omitempty" json:"allow,omitempty"`
	// wins over Allow; without ports, for all of them
	Deny    []NetworkRule `yaml:"deny,omitempty" json:"deny,omitempty"`
	Private PrivateMode   `yaml:"private,omitempty" json:"private,omitempty" enum:"deny,allow-listed"`
	ECH     ECHMode       `yaml:"ech,omitempty" json:"ech,omitempty" enum:"deny,allow"`
	DNS     NetworkDNS    `yaml:"dns,omitempty" json:"dns,omitzero"`
	Limits  NetworkLimits `yaml:"limits,omitempty" json:"limits,omitzero"`

	// Proxy is a port of the sandbox's loopback device that serves SOCKS5 and HTTP CONNECT, for
	// programs that need a proxy. 0: none.
	Proxy int `yaml:"proxy,omitempty" json:"proxy,omitempty"`

	// Publish makes servers in the sandbox reachable: see ParsePublished. It works without a
	// network, too.
	Publish []string `yaml:"publish,omitempty" json:"publish,omitempty"`
}

// NetworkRule is HOST, HOST:PORT, or {host, ports, methods}: see package hostrule. Allowed without
// ports means 443 and 80.
type NetworkRule struct {
	Host  string `yaml:"host" json:"host"`
	Ports []int  `yaml:"ports,omitempty" json:"ports,omitempty"`

	// Methods are the allowed HTTP methods. To check them, mcpbox terminates TLS and reads the
	// requests. Empty: the connection is passed on unread.
	Methods []string `yaml:"methods,omitempty" json:"methods,omitempty"`
}

// PrivateMode says whether an allowed name may lead to a private, shared (RFC 6598) or loopback
// address.
type PrivateMode string

const (
	// only if Allow also has the address or its range
	PrivateDeny        PrivateMode = "deny"
	PrivateAllowListed PrivateMode = "allow-listed" // the names of Allow may lead there
)

// ECHMode says what happens to a TLS connection whose server name is encrypted.
type ECHMode string

const (
	ECHDeny  ECHMode = "deny"
	ECHAllow ECHMode = "allow" // browsers always send the extension, usually with random content
)

// NetworkDNS: Servers ("192.0.2.53" or "192.0.2.53:5353") are asked in place of the host's
// resolver.
type NetworkDNS struct {
	Servers []string `yaml:"servers,omitempty" json:"servers,omitempty"`
}

// NetworkLimits of one sandbox; zero means the default for Connections, no limit for the others.
type NetworkLimits struct {
	// open at a time; default 1024
	Connections int64 `yaml:"connections,omitempty" json:"connections,omitempty"`
	// both ways together
	Bytes Size `yaml:"bytes,omitempty" json:"bytes,omitempty"`
	// bytes a second, both ways together
	Rate Size `yaml:"rate,omitempty" json:"rate,omitempty"`
}

// ParseNetworkRule reads HOST[:PORT] and returns its canonical form.
func ParseNetworkRule(text string) (NetworkRule, error) {
	r, err := hostrule.Parse(text)
	if err != nil {
		return NetworkRule{}, err
	}
	return NetworkRule{Host: r.Host(), Ports: r.Ports}, nil
}

// Rule returns what the entry matches. In a validated policy there is no error.
func (r NetworkRule) Rule() (hostrule.Rule, error) {
	rule, err := hostrule.ParseHost(r.Host)
	rule.Ports = r.Ports
	return rule, err
}

// text returns the entry in its short form. ok is false if it needs the form {host, ports,
// methods}.
func (r NetworkRule) text() (text string, ok bool) {
	if len(r.Methods) > 0 {
		return "", false
	}
	switch len(r.Ports) {
	case 0:
		return r.Host, true
	case 1:
		return hostrule.Join(r.Host, r.Ports[0]), true
	}
	return "", false
}

// AllowNetwork adds entries that the tool may reach. Modes none and host become allow.
func (p *Policy) AllowNetwork(entries ...NetworkRule) {
	if p.Network.Mode != NetworkAllow {
		p.Network = Network{Mode: NetworkAllow, Private: p.Network.Private, ECH: p.Network.ECH,
			DNS: p.Network.DNS, Limits: p.Network.Limits, Proxy: p.Network.Proxy,
			Publish: p.Network.Publish}
	}
	for _, e := range entries {
		if !slices.ContainsFunc(p.Network.Allow,
			func(have NetworkRule) bool {
				return have.Host == e.Host && slices.Equal(have.Ports, e.Ports) &&
					slices.Equal(have.Methods, e.Methods)
			}) {
			p.Network.Allow = append(p.Network.Allow, e)
		}
	}
	p.openSockets()
}

// openSockets adds the sockets that mode allow needs to a policy that only allows local sockets,
// such as strict. It does not change a policy without any sockets: the check refuses that one.
func (p *Policy) openSockets() {
	if p.Network.Mode != NetworkAllow || p.Syscalls.Default == DefaultAllow ||
		p.AllowsBeforeDeny("connect", "@network-io", "@system-service") == No ||
		p.AllowsSocket("AF_INET") {
		return
	}
	inet := func(family, kind, protocol uint64, why string) SyscallRule {
		return SyscallRule{Names: []string{"socket"}, Why: "network: " + why, Args: []ArgRule{
			{Index: 0, Op: "eq", Value: family}, {Index: 1, Op: "masked_eq", Mask: 0xf,
				Value: kind}, {Index: 2, Op: "le", Value: protocol}}}
	}
	p.Syscalls.Allow = append(p.Syscalls.Allow,
		inet(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP, "TCP"),
		inet(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP, "TCP over IPv6"),
		inet(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP, "name look-ups"),
		inet(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDP, "getaddrinfo sorts addresses by a "+
			"socket of theirs"),
		SyscallRule{Names: []string{"socket"}, Why: "network: getaddrinfo asks which families " +
			"there are", Args: []ArgRule{
			{Index: 0, Op: "eq", Value: unix.AF_NETLINK}, {Index: 2, Op: "eq",
				Value: unix.NETLINK_ROUTE}}},
		SyscallRule{Names: []string{"sendmmsg", "recvmmsg"}, Why: "network: getaddrinfo asks for " +
			"both families at once"},
	)
}
