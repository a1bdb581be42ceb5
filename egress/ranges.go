package egress

import "net/netip"

// kind is the class of an address.
type kind int

const (
	public    kind = iota
	private        // of a local network: RFC 1918, RFC 4193, RFC 6598, and the host's loopback
	linkLocal      // RFC 3927, RFC 4291
	metadata       // a cloud's metadata service
	never          // no single host: multicast, unspecified, reserved, and our own pool
)

func (k kind) String() string {
	switch k {
	case public:
		return "a public address"
	case private:
		return "a private or loopback address"
	case linkLocal:
		return "a link-local address"
	case metadata:
		return "a cloud's metadata service"
	}
	return "an address of no host"
}

// block is a row of the table. The ranges are from the IANA special-purpose address registries (RFC
// 6890).
type block struct {
	prefix string
	kind   kind
}

// The first match counts. The prefixes are text so that the package has no initialisers.
var blocks = [...]block{
	// Metadata services: AWS, GCP, Azure, OpenStack; AWS ECS and EKS; Alibaba; Azure's wire server;
	// Oracle.
	{"169.254.169.254/32", metadata}, {"169.254.170.2/32", metadata},
	{"169.254.170.23/32", metadata}, {"100.100.100.200/32", metadata},
	{"168.63.129.16/32", metadata},
	{"192.0.0.192/32", metadata},
	{"fd00:ec2::254/128", metadata}, {"fd00:ec2::23/128", metadata},
	{"fd20:ce::254/128", metadata},

	{"10.0.0.0/8", private}, {"172.16.0.0/12", private}, {"192.168.0.0/16", private},
	{"100.64.0.0/10", private}, {"127.0.0.0/8", private},
	{"fc00::/7", private}, {"::1/128", private},
	{"169.254.0.0/16", linkLocal}, {"fe80::/10", linkLocal},

	{"0.0.0.0/8", never}, {"192.0.0.0/24", never}, {"198.18.0.0/15", never},
	{"224.0.0.0/4", never}, {"240.0.0.0/4", never},
	{"::/128", never}, {"ff00::/8", never}, {"fec0::/10", never}, {"100::/64", never},
	{"64:ff9b:1::/48", never}, {"2001::/32", never},
}

// embedded lists prefixes of IPv6 addresses that contain an IPv4 address, and its byte offset.
var embedded = [...]struct {
	prefix string
	at     int
}{
	{"64:ff9b::/96", 12},    // NAT64, RFC 6052
	{"2002::/16", 2},        // 6to4, RFC 3056
	{"::/96", 12},           // IPv4-compatible, RFC 4291
	{"::ffff:0:0:0/96", 12}, // IPv4-translated, RFC 2765
}

// kindOf returns the class of an address. For an embedded IPv4 address it is the class of that.
func kindOf(addr netip.Addr) kind {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.Zone() != "" || pool6().Contains(addr) {
		return never
	}
	for _, b := range blocks {
		if netip.MustParsePrefix(b.prefix).Contains(addr) {
			return b.kind
		}
	}
	if inner, ok := inside(addr); ok {
		return kindOf(inner)
	}
	return public
}

// inside returns the IPv4 address that an IPv6 address contains.
func inside(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return addr, false
	}
	raw := addr.As16()
	for _, e := range embedded {
		if netip.MustParsePrefix(e.prefix).Contains(addr) {
			return netip.AddrFrom4([4]byte(raw[e.at : e.at+4])), true
		}
	}
	return addr, false
}

// names reports whether a range in the policy means addresses of that kind and no others. For
// example, 0.0.0.0/0 does not mean 10.0.0.1. A metadata service must be named by its single
// address.
func names(listed netip.Prefix, k kind) bool {
	if k == metadata {
		return listed.IsSingleIP()
	}
	for _, b := range blocks {
		prefix := netip.MustParsePrefix(b.prefix)
		if b.kind == k && prefix.Bits() <= listed.Bits() && prefix.Contains(listed.Addr()) {
			return true
		}
	}
	// 6to4 and the like of a single address
	return listed.IsSingleIP() && kindOf(listed.Addr()) == k
}

// metadataName reports whether a cloud uses the name for its metadata service.
func metadataName(name string) bool {
	switch name {
	case "metadata.google.internal", "metadata.goog", "metadata", "instance-data",
		"instance-data.ec2.internal", "metadata.azure.internal", "metadata.tencentyun.com":
		return true
	}
	return false
}
