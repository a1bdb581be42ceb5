// Package hostrule reads and matches the entries of a policy's network lists:
// a host name, all names below one, an address or a range, with ports.
//
//	r, err := hostrule.Parse("*.example.com:8443")
//	r.MatchesName("api.example.com", 8443) // true
//	r, err = hostrule.Parse("192.0.2.0/24")
//	r.MatchesAddr(netip.MustParseAddr("192.0.2.7"), 443) // true
//
// It is pure: it looks no name up. A name never matches an address rule, and an
// address never matches a name.
//
// RFC 1123 (host names), RFC 5890 (xn-- labels), RFC 4632 (CIDR).
package hostrule
