// Package egress is the network of a sandbox that may reach named hosts only. It runs in the
// supervisor, on sockets that PID 1 made inside the sandbox. Inside the sandbox every address is
// local. So each connection of the tool arrives at the supervisor, and the local address of the
// connection is the address that the tool dialled.
//
//	s, err := egress.Serve(egress.Config{Network: policy.Network, Listeners: ports,
//		Packets: dns, Owner: process})
//	defer s.Close()
//	…
//	s.End(process) // it has been told of all that it reached and was refused
//
// The resolver of this package gives each name an address from a pool (198.18.0.0/15 and a unique
// local IPv6 prefix). When the tool connects to this address, the supervisor looks the name up
// outside, checks the addresses that it gets, and dials one of them. There is no second look-up
// that could give other addresses. TLS must name the host in clear text (SNI). Then the supervisor
// passes the bytes on unread. For hosts with secrets or methods, package intercept reads the
// requests.
//
// Not protected: what an allowed host does with the data that it gets, and other names that it
// serves inside TLS (domain fronting) or under another Host in plain HTTP. If a star allows a name,
// a connection makes a look-up outside, and the DNS server of that domain learns the name.
//
// Linux ≥ 4.1 (TCP_INFO with counts of bytes). RFC 1035, 6066, 8305, 8446.
package egress
