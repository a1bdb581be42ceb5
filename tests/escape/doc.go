// Package escape holds the attacks: one file a claim. Each attack is a small C
// program that first runs bare, where it must succeed, and then inside mcpbox
// under every preset that it applies to, where it must fail, must leave the host
// as it was, and must be reported if a system call was refused on the way.
//
//	make build && go test ./tests/escape
//
// An attack that would harm the machine it runs on is never run bare in full. Its bare proof is
// then an error that only somebody with the right to do it gets (EINVAL, where the powerless get
// EPERM), or a namespace of its own; the claim says which.
//
// A test skips, and says so, where the bare proof is impossible: without gcc,
// without root where only root has what is being tried, or on a kernel without
// the interface. The attack inside is made all the same.
//
// Not tested here: bugs of the kernel itself, side channels.
package escape
