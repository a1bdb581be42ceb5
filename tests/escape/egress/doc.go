// Package egress holds the attacks on a network by name: one that is allowed
// one host must not reach another, by whatever spelling, address, handshake or
// trick with the sandbox's own network. Each attack first succeeds with
// --network host, on the same machine and against the same servers.
//
//	make build && go test ./tests/escape/egress
//
// The internet is package testnet's: it needs root, and no internet.
//
// Not tested here: what an allowed host does with what it is sent.
package egress
