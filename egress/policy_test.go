package egress

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// network reads lists as a policy file has them: "a b -c" allows a and b and denies c.
func network(t *testing.T, list string) policies.Network {
	t.Helper()
	n := policies.Network{Mode: policies.NetworkAllow}
	for _, word := range strings.Fields(list) {
		entry, denied := strings.CutPrefix(word, "-")
		rule, err := policies.ParseNetworkRule(entry)
		if err != nil {
			t.Fatal(err)
		}
		if denied {
			n.Deny = append(n.Deny, rule)
		} else {
			n.Allow = append(n.Allow, rule)
		}
	}
	return n
}

func compile(t *testing.T, list string) *Policy {
	t.Helper()
	p, err := Compile(network(t, list))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ruleOf is "" where something is allowed.
func ruleOf(r *Refusal) string {
	if r == nil {
		return ""
	}
	if r.Escape != (r.Rule == RuleMetadata) {
		return r.Rule + " (escape " + map[bool]string{true: "yes", false: "no"}[r.Escape] + ")"
	}
	return r.Rule
}

func TestLookUp(t *testing.T) {
	for _, c := range []struct{ list, name, want string }{
		{"api.example.com", "api.example.com", ""},
		{"api.example.com", "example.com", RuleName},
		{"api.example.com", "api.example.com.evil.example", RuleName},
		{"*.example.com", "a.b.example.com", ""},
		{"*.example.com", "example.com", RuleName},
		{"*", "whatever.example", ""},
		{"* -*.evil.example", "a.evil.example", RuleName},
		{"* -evil.example:25", "evil.example", ""}, // at 443 still
		{"*", "metadata.google.internal", ""},      // the address decides
		{"api.example.com", "metadata.google.internal", RuleMetadata},
		{"192.0.2.0/24", "api.example.com", RuleName},
	} {
		if got := ruleOf(compile(t, c.list).LookUp(c.name)); got != c.want {
			t.Errorf("%s: look-up of %s: %q, want %q", c.list, c.name, got, c.want)
		}
	}
}

func TestConnect(t *testing.T) {
	for _, c := range []struct {
		list, name string
		port       int
		want       string
	}{
		{"api.example.com", "api.example.com", 443, ""},
		{"api.example.com", "api.example.com", 80, ""},
		{"api.example.com", "api.example.com", 22, RulePort},
		{"api.example.com other.example:22", "api.example.com", 22, RulePort},
		{"db.example.com:5432", "db.example.com", 5432, ""},
		{"db.example.com:5432", "db.example.com", 443, RulePort},
		{"*.example.com -secret.example.com", "secret.example.com", 443, RuleName},
		{"*.example.com -secret.example.com:443", "secret.example.com", 80, ""},
		{"*.example.com -secret.example.com:443", "secret.example.com", 443, RuleName},
		{"api.example.com", "other.example", 443, RuleName},
		{"*:8443", "any.example", 8443, ""},
		{"*:8443", "any.example", 443, RulePort},
	} {
		got := compile(t, c.list).Connect(c.name, c.port)
		if ruleOf(got) != c.want {
			t.Errorf("%s: %s:%d: %q, want %q", c.list, c.name, c.port, ruleOf(got), c.want)
		}
		if got != nil && got.Reason == "" {
			t.Errorf("%s: %s:%d is refused without a reason", c.list, c.name, c.port)
		}
	}
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct{ list, addr, want string }{
		{"api.example.com", "192.0.2.1", RuleAddress},
		{"*", "192.0.2.1", RuleAddress}, // every name is no address
		{"192.0.2.0/24", "192.0.2.1", ""},
		{"192.0.2.0/24", "::ffff:192.0.2.1", ""},
		{"192.0.2.0/24", "192.0.3.1", RuleAddress},
		{"192.0.2.0/24 -192.0.2.1", "192.0.2.1", RuleAddress},
		{"2001:db8::/32", "2001:db8::1", ""},
		{"10.0.0.0/8", "10.1.2.3", ""},
		{"0.0.0.0/0", "10.1.2.3", RuleAddress}, // all of them does not name the private ones
		{"0.0.0.0/0", "192.0.2.1", ""},
		{"::/0", "fd00::1", RuleAddress},
		{"127.0.0.1", "127.0.0.1", ""}, // the host's, since it is listed
		{"169.254.169.254", "169.254.169.254", ""},
		{"169.254.0.0/16", "169.254.1.1", ""},
		{"169.254.0.0/16", "169.254.169.254", RuleMetadata},
		{"*", "169.254.169.254", RuleMetadata},
		{"*", "::ffff:169.254.169.254", RuleMetadata},
		{"*", "64:ff9b::a9fe:a9fe", RuleMetadata}, // NAT64 of the same
		{"*", "fd00:ec2::254", RuleMetadata},
		{"0.0.0.0/0", "224.0.0.1", RuleAddress},
		{"224.0.0.1", "224.0.0.1", RuleAddress},
		{"0.0.0.0", "0.0.0.0", RuleAddress},
	} {
		got := ruleOf(compile(t, c.list).Literal(netip.MustParseAddr(c.addr), 443))
		if got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.list, c.addr, got, c.want)
		}
	}
	if r := compile(t, "192.0.2.0/24:8443").Literal(netip.MustParseAddr("192.0.2.1"), 443); ruleOf(
		r,
	) != RuleAddress {
		t.Error("another port of an allowed range")
	}
}

func TestTarget(t *testing.T) {
	const api = "api.example.com"
	for _, c := range []struct {
		list, addr string
		private    bool
		want       string
	}{
		{api, "192.0.2.1", false, ""},
		{api, "2001:db8::1", false, ""},
		{api, "10.0.0.1", false, RulePrivate},
		{api, "172.31.255.255", false, RulePrivate},
		{api, "192.168.1.1", false, RulePrivate},
		{api, "100.64.0.1", false, RulePrivate},
		{api, "127.0.0.1", false, RulePrivate},
		{api, "::1", false, RulePrivate},
		{api, "fd12::1", false, RulePrivate},
		{api, "::ffff:10.0.0.1", false, RulePrivate},
		{api, "64:ff9b::a00:1", false, RulePrivate}, // NAT64 of 10.0.0.1
		{api, "2002:a00:1::1", false, RulePrivate},  // 6to4 of 10.0.0.1
		{api, "::10.0.0.1", false, RulePrivate},
		{api, "64:ff9b::c000:201", false, ""}, // NAT64 of 192.0.2.1
		{api, "::ffff:0:10.0.0.1", false, RulePrivate},
		{api, "::ffff:0:169.254.169.254", false, RuleMetadata},
		{api, "::169.254.169.254", false, RuleMetadata},
		{api, "2002:a9fe:a9fe::", false, RuleMetadata},
		{api, "64:ff9b::7f00:1", false, RulePrivate},
		{api, "64:ff9b:1::a00:1", false, RulePrivate},        // NAT64 for local use
		{api, "2001:0:a00:1::f5ff:fffe", false, RulePrivate}, // Teredo
		{api, "::", false, RulePrivate},
		{api, "ff02::1", false, RulePrivate},
		{api, "fec0::1", false, RulePrivate},
		{api, "240.0.0.1", false, RulePrivate},
		{api, "192.0.0.8", false, RulePrivate},
		{api, "169.254.1.1", false, RulePrivate},
		{api, "fe80::1", false, RulePrivate},
		{api, "0.0.0.0", false, RulePrivate},
		{api, "198.18.0.1", false, RulePrivate},
		{api, "224.0.0.1", false, RulePrivate},
		{api, "255.255.255.255", false, RulePrivate},
		{api, "169.254.169.254", false, RuleMetadata},
		{api, "168.63.129.16", false, RuleMetadata},
		{api, "100.100.100.200", false, RuleMetadata},
		{api, "10.0.0.1", true, ""},
		{api, "127.0.0.1", true, ""},
		{api, "169.254.1.1", true, RulePrivate},
		{api, "169.254.169.254", true, RuleMetadata},
		{api + " 10.0.0.0/24", "10.0.0.1", false, ""},
		{api + " 10.0.0.0/24", "10.0.1.1", false, RulePrivate},
		{api + " 10.0.0.0/24:5432", "10.0.0.1", false, RulePrivate}, // at another port
		{api + " 0.0.0.0/0", "10.0.0.1", false, RulePrivate},
		{api + " 169.254.169.254", "169.254.169.254", false, ""},
		{api + " -192.0.2.0/24", "192.0.2.1", false, RulePrivate},
		{api + " -192.0.2.0/24", "64:ff9b::c000:201", false, RulePrivate},
		{api + " -192.0.2.0/24", "2002:c000:201::1", false, RulePrivate},
		{api + " -192.0.2.0/24", "64:ff9b::c000:301", false, ""},
		{api + " -10.0.0.1", "10.0.0.1", true, RulePrivate},
	} {
		n := network(t, c.list)
		if c.private {
			n.Private = policies.PrivateAllowListed
		}
		p, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := ruleOf(p.Target(api, netip.MustParseAddr(c.addr), 443)); got != c.want {
			t.Errorf("%s (private %v): %s leads to %s: %q, want %q", c.list, c.private, api, c.addr,
				got, c.want)
		}
	}
}

func TestPorts(t *testing.T) {
	if got := compile(t, "a.example b.example:22 c.example:443").Ports(); !slices.Equal(
		got,
		[]int{22, 80, 443},
	) {
		t.Errorf("ports %v", got)
	}
}

func TestPoolGivesAnAddressAwayOnlyAfterAllOthers(t *testing.T) {
	p := newPool(pool4())
	first, first6 := p.addresses("first.example")
	if again, _ := p.addresses("first.example"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	own4, own6 := Local()
	for range maxNames {
		v4, v6 := p.addresses(
			strings.Repeat("x",
				3) + netip.AddrFrom4([4]byte{byte(p.next >> 16), byte(p.next >> 8), byte(p.next)}).
				String(),
		)
		if v4 == own4 || v6 == own6 {
			t.Fatalf("a name got the sandbox's own address %s", v4)
		}
		if v4 == first || v6 == first6 {
			t.Fatal("a forgotten name's address is another's already")
		}
	}
	if name, ours := p.name(first); name != "" || !ours {
		t.Errorf("a forgotten name's address is %q's", name)
	}
	if len(p.names) != maxNames || len(p.index) != maxNames {
		t.Errorf("%d names are kept", len(p.names))
	}
	if _, ours := p.name(netip.MustParseAddr("192.0.2.1")); ours {
		t.Error("192.0.2.1 is taken for one of the pool's")
	}
	if name, ours := p.name(netip.MustParseAddr("fd6d:6370:626f:7800:1::5")); name != "" ||
		!ours && name != "" {
		t.Errorf("an address beyond the pool's is %q's", name)
	}
}
