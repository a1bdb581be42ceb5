package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
)

func (e *explainer) network(p *policies.Policy) {
	e.area("Network")
	var can, cannot []string
	for _, f := range []struct{ constant, name string }{{"AF_UNIX", "local (Unix)"},
		{"AF_INET", "IPv4"}, {"AF_INET6", "IPv6"}} {
		if p.AllowsSocket(f.constant) {
			can = append(can, f.name)
		} else {
			cannot = append(cannot, f.name)
		}
	}
	switch {
	case len(can) == 0:
		e.item("cannot open any socket")
	default:
		e.item("can open sockets: %s", strings.Join(can, ", "))
		if len(cannot) > 0 {
			e.item("cannot open sockets: %s", strings.Join(cannot, ", "))
		}
	}
	e.published(&p.Network)
	switch p.Network.Mode {
	case policies.NetworkHost:
		e.item("shares the host's network: can reach what the host reaches, services on " +
			"localhost included")
	case policies.NetworkAllow:
		e.egress(p)
	default:
		e.item("cannot reach any network: there is the loopback device only, and it is its own")
	}
}

// egress describes the lists of mode allow.
func (e *explainer) egress(p *policies.Policy) {
	n := &p.Network
	for _, r := range n.Allow {
		ports := policies.DefaultPorts
		if len(r.Ports) > 0 {
			ports = portList(r.Ports)
		}
		host := r.Host
		switch rule, _ := r.Rule(); {
		case rule.Any:
			host = "every name of the internet, which leaves private and local addresses out,"
		case rule.Below:
			host = "every name below " + rule.Name
		}
		e.item("can reach %s by TCP, at %s", host, ports)
		if len(r.Methods) > 0 {
			e.item("there it can use HTTP only, with the methods %s: mcpbox reads these "+
				"requests, and ends TLS for that", strings.Join(r.Methods, ", "))
		}
	}
	for _, r := range n.Deny {
		at := ""
		if len(r.Ports) > 0 {
			at = ", at " + portList(r.Ports)
		}
		e.item("cannot reach %s%s", r.Host, at)
	}
	if n.Private == policies.PrivateAllowListed {
		e.item("an allowed name may lead to a private or loopback address; never to a link-local " +
			"one, such as cloud metadata")
	} else {
		e.item("an allowed name that leads to a private, local or metadata address is refused, " +
			"unless that address is listed too")
	}
	e.item("a TLS connection must name the host that was looked up%s",
		echText(n.ECH))
	if len(n.DNS.Servers) > 0 {
		e.item("names are looked up outside, at %s", strings.Join(n.DNS.Servers, ", "))
	}
	var limits []string
	if n.Limits.Connections > 0 {
		limits = append(limits, fmt.Sprintf("%d connections at a time", n.Limits.Connections))
	}
	if n.Limits.Bytes > 0 {
		limits = append(limits, n.Limits.Bytes.String()+" in all")
	}
	if n.Limits.Rate > 0 {
		limits = append(limits, n.Limits.Rate.String()+" a second")
	}
	if len(limits) > 0 {
		e.item("limited to %s", strings.Join(limits, ", "))
	}
	e.secrets(p.Secrets)
	e.item("cannot reach anything else: other names, addresses, ports and protocols; no UDP")
}

// secrets describes which hosts get which secret.
func (e *explainer) secrets(all []policies.Secret) {
	for _, s := range all {
		e.item("can use the secret %s, and not read it: $%[1]s is a placeholder. Outside of the "+
			"sandbox, mcpbox puts the secret %s. For that it ends TLS to these hosts and reads "+
			"the requests", s.Name, s.Place())
	}
}

func echText(mode policies.ECHMode) string {
	if mode == policies.ECHAllow {
		return ""
	}
	return ", in clear text: encrypted names (ECH) are refused"
}

func portList(ports []int) string {
	ports = slices.Clone(ports)
	slices.Sort(ports)
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(ports)), ", "), "[]")
}

func (e *explainer) published(n *policies.Network) {
	for _, text := range n.Publish {
		if p, err := policies.ParsePublished(text); err == nil {
			e.item("can be reached: the host's %s leads to %s inside", p.Host,
				fmt.Sprintf("port %d", p.Inside))
		}
	}
}
