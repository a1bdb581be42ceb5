package hostrule

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Rule is one entry. The zero value matches nothing.
type Rule struct {
	Name  string       // "api.example.com"; of a wildcard, what follows "*."
	Below bool         // every name below Name, but not Name itself
	Any   bool         // every name
	Range netip.Prefix // addresses; invalid for a name's rule
	Ports []int        // empty: the caller decides
}

const remedy = `write a name, "*.example.com", an address or a range, ` +
	`and a port if it is not 443 or 80: db.example.com:5432`

// Parse reads HOST or HOST:PORT. IPv6 with a port is written [2001:db8::1]:443 or
// [2001:db8::/32]:443.
func Parse(text string) (Rule, error) {
	host, port, err := split(text)
	if err != nil {
		return Rule{}, err
	}
	r, err := ParseHost(host)
	if err != nil {
		return Rule{}, err
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || !ValidPort(n) || port[0] == '+' {
			return Rule{}, hint.Errorf("ports are numbers from 1 to 65535", "%q has no valid "+
				"port", text)
		}
		r.Ports = []int{n}
	}
	return r, nil
}

// ValidPort reports whether n is the number of a TCP port.
func ValidPort(n int) bool { return n >= 1 && n <= 65535 }

// split removes the port. A text with several colons and no brackets is an IPv6 address.
func split(text string) (host, port string, err error) {
	if strings.Contains(text, "://") {
		return "", "", hint.Errorf(remedy, "%q is a URL, not a host", text)
	}
	if rest, ok := strings.CutPrefix(text, "["); ok {
		host, port, ok = strings.Cut(rest, "]")
		if ok && port == "" {
			return host, "", nil
		}
		if port, colon := strings.CutPrefix(port, ":"); ok && colon && port != "" {
			return host, port, nil
		}
		return "", "", hint.Errorf(remedy, "%q is neither [IPv6] nor [IPv6]:PORT", text)
	}
	if strings.Count(text, ":") != 1 {
		return text, "", nil
	}
	host, port, _ = strings.Cut(text, ":")
	if port == "" {
		return "", "", hint.Errorf("ports are numbers from 1 to 65535", "%q has no valid port",
			text)
	}
	return host, port, nil
}

// ParseHost reads the part before the port.
func ParseHost(host string) (Rule, error) {
	if host == "*" {
		return Rule{Any: true}, nil
	}
	if prefix, err := netip.ParsePrefix(host); err == nil {
		if prefix != prefix.Masked() {
			return Rule{}, hint.Errorf("write "+prefix.Masked().String(), "%q has bits beyond "+
				"its length", host)
		}
		if prefix.Addr().Is4In6() {
			return Rule{}, hint.Errorf("write it as IPv4", "%q is IPv4 in the form of IPv6", host)
		}
		return Rule{Range: prefix}, nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return Rule{Range: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	rest, below := strings.CutPrefix(host, "*.")
	name, ok := CanonicalName(rest)
	switch {
	case ok:
		return Rule{Name: name, Below: below}, nil
	case strings.ContainsFunc(host, func(r rune) bool { return r > 0x7f }):
		return Rule{}, hint.Errorf("write its letters as DNS does, with xn--", "%q is not ASCII",
			host)
	case strings.Contains(rest, "*"):
		return Rule{}, hint.Errorf(
			`a star stands for names below a domain: "*.example.com", or alone for every name`,
			"%q has a star in its middle", host)
	}
	return Rule{}, hint.Errorf(remedy, "%q is not a host name, address or range", host)
}

// MatchesName reports whether the rule matches a canonical name at port. A rule without ports
// matches all ports.
func (r Rule) MatchesName(name string, port int) bool {
	if r.Range.IsValid() || !r.hasPort(port) {
		return false
	}
	switch {
	case r.Any:
		return true
	case r.Below:
		return strings.HasSuffix(name, "."+r.Name)
	}
	return r.Name != "" && name == r.Name
}

// MatchesAddr reports whether the rule has a range that contains addr, at port.
func (r Rule) MatchesAddr(addr netip.Addr, port int) bool {
	return r.Range.IsValid() && r.hasPort(port) && r.Range.Contains(addr.Unmap())
}

func (r Rule) hasPort(port int) bool { return len(r.Ports) == 0 || slices.Contains(r.Ports, port) }

// Host returns the entry without its ports, in the form that Parse reads.
func (r Rule) Host() string {
	switch {
	case r.Any:
		return "*"
	case r.Range.IsValid() && r.Range.IsSingleIP():
		return r.Range.Addr().String()
	case r.Range.IsValid():
		return r.Range.String()
	case r.Below:
		return "*." + r.Name
	}
	return r.Name
}

// Join writes a host and a port in the form that Parse reads.
func Join(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}
