package policies

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

const (
	DefaultPorts = "443, 80" // for an allowed entry without ports
	maxPorts     = 64        // distinct ports: each needs a listening socket in the sandbox
)

func (c *checker) network(p *Policy) {
	n := &p.Network
	c.enum("network.mode", string(n.Mode), string(NetworkNone), string(NetworkAllow),
		string(NetworkHost))
	c.enum("network.private", string(n.Private), string(PrivateDeny), string(PrivateAllowListed))
	c.enum("network.ech", string(n.ECH), string(ECHDeny), string(ECHAllow))
	c.networkRules("network.allow", n.Allow)
	c.networkRules("network.deny", n.Deny)
	for i, server := range n.DNS.Servers {
		if _, err := DNSServer(server); err != nil {
			c.fail(fmt.Sprintf("network.dns.servers[%d]", i), hint.Of(err), "%v", err)
		}
	}
	c.notNegative("network.limits.connections", n.Limits.Connections)
	c.notNegative("network.limits.bytes", int64(n.Limits.Bytes))
	c.notNegative("network.limits.rate", int64(n.Limits.Rate))
	switch {
	case n.Mode != NetworkAllow && len(n.Allow) > 0:
		c.fail("network.allow", "write network.mode: allow", "network.allow does nothing with "+
			"mode %s", orNone(n.Mode))
	case n.Mode == NetworkAllow && len(n.Allow) == 0:
		c.fail("network.mode", "list hosts: network.allow: [api.example.com]", "network.mode is "+
			"allow, and nothing is allowed")
	case n.Mode == NetworkAllow && p.Isolation != IsolationNone && !p.AllowsSocket("AF_INET"):
		c.fail("network.mode", "extend strict, or a preset below it: standard, basic",
			"the policy allows no sockets, so a network is useless")
	}
	c.published(n)
	if n.Proxy != 0 && (!hostrule.ValidPort(n.Proxy) || slices.Contains(
		(&Network{Allow: n.Allow}).ListenPorts(), n.Proxy)) {
		c.fail("network.proxy", "such as 1080", "network.proxy: port %d is invalid or in use",
			n.Proxy)
	}
	ports := map[int]bool{}
	for _, r := range n.Allow {
		for _, port := range r.Ports {
			ports[port] = true
		}
	}
	if len(ports) > maxPorts {
		c.fail("network.allow", "", "network.allow names %d different ports: %d are possible",
			len(ports), maxPorts)
	}
}

func (c *checker) networkRules(path string, rules []NetworkRule) {
	for i, r := range rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		rule, err := r.Rule()
		if err != nil {
			c.fail(at+".host", hint.Of(err), "%s: %v", at, err)
		}
		c.methods(at, path, rule, r.Methods)
		for j, port := range r.Ports {
			if !hostrule.ValidPort(port) {
				c.fail(fmt.Sprintf("%s.ports[%d]", at, j), "ports are numbers from 1 to 65535",
					"%s: %d is not a port", at, port)
			}
		}
	}
}

func (c *checker) methods(at, list string, rule hostrule.Rule, methods []string) {
	if len(methods) == 0 {
		return
	}
	switch {
	case list == "network.deny":
		c.fail(at+".methods", "list the allowed methods in network.allow",
			"%s: methods can't be denied", at)
	case rule.Range.IsValid():
		c.fail(at+".methods", "name the host: certificates are for names",
			"%s: methods need a host name, not an address", at)
	}
	for i, m := range methods {
		if !token(m) || m != strings.ToUpper(m) || m == "CONNECT" {
			c.fail(fmt.Sprintf("%s.methods[%d]", at, i), "such as GET, HEAD, POST",
				"%s: %q is not a method that can be allowed", at, m)
		}
	}
}

// DNSServer reads an address. The default port is 53.
func DNSServer(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(addr, 53), nil
	}
	if server, err := netip.ParseAddrPort(text); err == nil && server.Port() != 0 {
		return server, nil
	}
	return netip.AddrPort{}, hint.Errorf("such as 192.0.2.53 or [2001:db8::53]:5353", "%q is not "+
		"the address of a DNS server", text)
}

func orNone(m NetworkMode) NetworkMode {
	if m == "" {
		return NetworkNone
	}
	return m
}
