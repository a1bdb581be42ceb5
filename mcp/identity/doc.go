// Package identity says which server a command line starts: its name, its package, the digest of
// its program or script; and whether the policy lets it run.
//
//	err := identity.Check(policy, command, command)
//	if errors.Is(err, identity.ErrRefused) { … }
//	name := identity.Name(policy, command)
//
// # What it does not protect
//
// A digest is of one file: what the file loads is not in it. A command line with options that may
// run other code has no digest and no package.
//
// Kernel: none of its own.
package identity
