// Command bench measures every figure that mcpbox has a budget for, each as a
// ratio against something else in the same run, and writes a Markdown page:
//
//	make bench                                  # docs/BENCHMARKS.md
//	go run ./tests/bench -mcpbox bin/mcpbox     # to standard output
//	go run ./tests/bench -only start,filter -rounds 40
//
// It is started in the repository's root.
//
// Candidates take turns (measure.go): a busy machine slows all of them alike,
// so ratios hold where milliseconds don't. The minimum is the figure least
// disturbed, the median the one that a user meets; both are given.
//
// It proves nothing about other machines, and it does not fail when a budget is
// exceeded: it says so in the table.
package main
