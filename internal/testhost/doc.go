// Package testhost lets a test say what it needs of the host.
//
//	testhost.Need(t, "sandbox", "npm")
//
// On a host that lacks a feature, the test is skipped and the reason names the feature. `make test`
// prints every skipped test with its reason at the end. Where the caller has promised the feature,
// the test fails instead, so a test cannot vanish unnoticed:
//
//	MCPBOX_REQUIRE=root,sandbox,npm make test
//
// .ci/run promises what a CI machine has, tests/vm what a guest has.
//
// The probes ask the kernel or look for a program. They never ask mcpbox: a mcpbox that can start
// no sandbox would otherwise skip the tests that should find this out.
package testhost
