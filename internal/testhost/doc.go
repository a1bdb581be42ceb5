// Package testhost lets a test declare what it needs from the host.
//
//	testhost.Need(t, "sandbox", "npm")
//
// On a host that lacks a feature, the test is skipped and the reason names the feature. `make test`
// prints every skipped test with its reason at the end. Where the caller has promised the feature,
// the test fails instead, so a test cannot vanish unnoticed:
//
//	MCPBOX_REQUIRE=root,sandbox,npm make test
//
// .ci/run promises the features of a CI machine, tests/vm those of a guest.
//
// The probes ask the kernel or look for a program. They never ask mcpbox: otherwise an mcpbox that
// can't start a sandbox would skip the tests that should detect it.
package testhost
