// Package egress is the network of a sandbox that may reach named hosts only. It
// runs in the supervisor, on sockets that were made inside the sandbox: there
// every address is local, so a connection to any of them arrives here, and its
// own address says where the tool wants to go.
//
//	s, err := egress.Serve(egress.Config{Network: policy.Network, Listeners: ports,
//		Packets: dns, Owner: process})
//	defer s.Close()
//	…
//	s.End(process) // it has been told of all that it reached and was refused
//
// A name gets an address of a pool (198.18.0.0/15 and a unique local IPv6
// prefix) from the resolver here. When the tool connects, the
// name is looked up outside, the addresses that come are checked, and one of
// those that were checked is dialled: there is no second look-up to rebind. TLS
// must name the host in clear (SNI); then the bytes are spliced.
//
// Not protected: what an allowed host does with what it is sent, and what else it
// serves under other names inside TLS (domain fronting), or under another Host in
// plain HTTP. A name that is allowed by a star is looked up outside when it is
// connected to, which tells its domain's DNS server the name.
//
// Linux ≥ 3.5 (splice(2) between sockets is older). RFC 1035, 6066, 8305, 8446.
package egress
