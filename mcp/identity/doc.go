// Package identity finds out which server a command line starts: its name, its package, and the
// digest of its program or script. It also checks whether the policy lets it run.
//
//	err := identity.Check(policy, command, command, nil)
//	if errors.Is(err, identity.ErrRefused) { … }
//	name := identity.Name(policy, command)
//
// # What it does not protect
//
// A digest covers one file. It does not cover what this file loads. A command line with options
// that may run other code has no digest and no package.
//
// Kernel: none of its own.
package identity
