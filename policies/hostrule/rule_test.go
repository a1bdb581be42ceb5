package hostrule

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]struct {
		host  string
		ports []int
	}{
		"api.example.com":       {"api.example.com", nil},
		"API.Example.COM.":      {"api.example.com", nil},
		"*.npmjs.org":           {"*.npmjs.org", nil},
		"*.npmjs.org:8443":      {"*.npmjs.org", []int{8443}},
		"*":                     {"*", nil},
		"*:443":                 {"*", []int{443}},
		"xn--bcher-kva.example": {"xn--bcher-kva.example", nil},
		"192.0.2.0/24:8443":     {"192.0.2.0/24", []int{8443}},
		"192.0.2.7":             {"192.0.2.7", nil},
		"192.0.2.7/32":          {"192.0.2.7", nil},
		"2001:db8::/32":         {"2001:db8::/32", nil},
		"2001:db8::1":           {"2001:db8::1", nil},
		"[2001:db8::1]:443":     {"2001:db8::1", []int{443}},
		"[2001:db8::/32]:22":    {"2001:db8::/32", []int{22}},
		"[::ffff:192.0.2.7]":    {"192.0.2.7", nil},
		"_grpc.example.com":     {"_grpc.example.com", nil},
		"localhost:8080":        {"localhost", []int{8080}},
	} {
		r, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if r.Host() != want.host || !slices.Equal(r.Ports, want.ports) {
			t.Errorf("%s is %s with the ports %v, want %s with %v", text, r.Host(), r.Ports,
				want.host, want.ports)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", ".", ":443", "a..b", "-a.example", "https://api.example.com", "api.example.com:",
		"api.example.com:0", "api.example.com:65536",
		"api.example.com:+1", "api.example.com:http", "bücher.example", "api.*.example.com",
		"*example.com", "*.", "*.*.example.com",
		"127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "1.2.3.4.5", "192.0.2.1/24",
		"192.0.2.0/33", "::ffff:192.0.2.0/120",
		"[2001:db8::1", "[2001:db8::1]443", "[2001:db8::1]:", "fe80::1%eth0", "a b.example",
		"api.example.com/path", "ex\x00ample.com",
		"a.example," + "b.example",
	} {
		if r, err := Parse(text); err == nil {
			t.Errorf("%q was taken as %q", text, r.Host())
		} else if hint.Of(err) == "" {
			t.Errorf("%q: %v has no hint", text, err)
		}
	}
}

func TestMatchesName(t *testing.T) {
	for _, c := range []struct {
		rule, name string
		port       int
		want       bool
	}{
		{"api.example.com", "api.example.com", 443, true},
		{"api.example.com", "api.example.com", 22, true}, // ports are the reader's
		{"api.example.com:443", "api.example.com", 22, false},
		{"api.example.com", "xapi.example.com", 443, false},
		{"api.example.com", "api.example.com.evil.example", 443, false},
		{"*.example.com", "api.example.com", 443, true},
		{"*.example.com", "a.b.example.com", 443, true},
		{"*.example.com", "example.com", 443, false},
		{"*.example.com", "evilexample.com", 443, false},
		{"*", "anything.example", 443, true},
		{"192.0.2.7", "192.0.2.7", 443, false},
	} {
		r, err := Parse(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.MatchesName(c.name, c.port); got != c.want {
			t.Errorf("%s for %s:%d: %v", c.rule, c.name, c.port, got)
		}
	}
	if (Rule{}).MatchesName("", 0) {
		t.Error("the zero rule matches")
	}
}

func TestMatchesAddr(t *testing.T) {
	for _, c := range []struct {
		rule, addr string
		want       bool
	}{
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.0/24", "::ffff:192.0.2.1", true},
		{"2001:db8::/32", "2001:db8::5", true},
		{"2001:db8::/32", "192.0.2.1", false},
		{"*", "192.0.2.1", false}, // every name, no address
	} {
		r, err := Parse(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.MatchesAddr(netip.MustParseAddr(c.addr), 443); got != c.want {
			t.Errorf("%s for %s: %v", c.rule, c.addr, got)
		}
	}
}

func TestCanonicalName(t *testing.T) {
	for in, want := range map[string]string{
		"A.B.": "a.b", "a.b": "a.b", "a.b..": "", "": "", ".": "", "a b": "", "é.example": "",
		"1.2.3.4": "", "127.1": "", "0x7f.0x1": "", "a.0xzz": "a.0xzz", "a.1x": "a.1x",
	} {
		got, ok := CanonicalName(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", in, got, ok)
		}
	}
}
