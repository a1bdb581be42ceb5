package policies

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Published is a port of the host that leads to a port in the sandbox.
type Published struct {
	Host   netip.AddrPort
	Inside int
}

// ParsePublished reads [ADDR:]PORT[:PORT]: the host's address (default 127.0.0.1), the host's port,
// and the port inside (default: the same).
func ParsePublished(text string) (Published, error) {
	const remedy = "write PORT, PORT:INSIDE or ADDRESS:PORT:INSIDE, such as 8080:3000"
	fail := hint.Errorf(remedy, "%q is not a port to publish", text)
	addr, rest := netip.AddrFrom4([4]byte{127, 0, 0, 1}), text
	var err error
	if v6, after, ok := strings.Cut(strings.TrimPrefix(text, "["), "]:"); ok && text[0] == '[' {
		addr, err = netip.ParseAddr(v6)
		rest = after
	} else if head, tail, ok := strings.Cut(text, ":"); ok && strings.Contains(head, ".") {
		addr, err = netip.ParseAddr(head)
		rest = tail
	}
	if err != nil || addr.Zone() != "" {
		return Published{}, fail
	}
	host, inside, two := strings.Cut(rest, ":")
	if !two {
		inside = host
	}
	h, err1 := strconv.ParseUint(host, 10, 16)
	i, err2 := strconv.ParseUint(inside, 10, 16)
	if err1 != nil || err2 != nil || h == 0 || i == 0 {
		return Published{}, fail
	}
	return Published{netip.AddrPortFrom(addr, uint16(h)), int(i)}, nil
}

// mcpbox always listens on watchedPorts in a sandbox with mode allow, so that attempts to reach
// them become events.
var watchedPorts = [...]int{22, 25, 80, 443}

// ListenPorts returns the ports that mcpbox listens on inside, with mode allow. A tool can't listen
// on them.
func (n *Network) ListenPorts() []int {
	ports := slices.Clone(watchedPorts[:])
	if n.Proxy != 0 {
		ports = append(ports, n.Proxy)
	}
	for _, r := range n.Allow {
		ports = append(ports, r.Ports...)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

func (c *checker) published(n *Network) {
	seen := map[netip.AddrPort]bool{}
	for i, text := range n.Publish {
		at := fmt.Sprintf("network.publish[%d]", i)
		p, err := ParsePublished(text)
		if err != nil {
			c.fail(at, hint.Of(err), "%s: %v", at, err)
			continue
		}
		if seen[p.Host] {
			c.fail(at, "leave one out", "%s: %s is published twice", at, p.Host)
		}
		seen[p.Host] = true
		if n.Mode == NetworkAllow && slices.Contains(n.ListenPorts(), p.Inside) {
			c.fail(at, "let the server listen on another port",
				"%s: a tool can't listen on port %d, which leads to hosts that are allowed",
				at, p.Inside)
		}
	}
	if len(n.Publish) > 0 && n.Mode == NetworkHost {
		c.fail("network.publish", "leave it out: the host reaches the server as it is",
			"network.publish does nothing with mode host")
	}
}
