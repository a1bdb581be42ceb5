// Package limits tests with the built mcpbox that every limit holds: what the kernel (or, without
// cgroup v2, the watchdog) does to a program that reaches it, what the result and the events say,
// and that nothing is left behind.
//
//	make build && go test ./tests/limits
//	tests/vm/test.sh -m root,delegated ./tests/limits     # on a kernel with cgroup v2
//
// MCPBOX_REQUIRE=cgroup2 promises that this host has cgroup v2 and runs no other sandboxes: tests
// that need cgroup v2 then fail instead of being skipped. MCPBOX_TEST_DISK names a folder on a
// separate disk, for io limits. MCPBOX_TEST_RUNS is the number of runs in the test of leftovers
// (default 200).
package limits
