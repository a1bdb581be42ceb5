// Package guard looks at a snippet of code before it runs: dangerous imports, calls and attributes,
// and the usual ways to hide them. It reads the code and never executes it.
//
//	g := guard.Guard{Rules: policy.Guard, Python: run} // run starts a Python in a sandbox
//	report, err := g.Check(ctx, guard.Python, source)
//	if report.Refused { … } // report.Findings says where and why
//
// Python is parsed by the interpreter that would run it, because no other parser knows its grammar
// exactly: python.py prints facts, and the Go code judges these facts by the tables in rules_*.go
// and by the policy. JavaScript is parsed by tdewolff/parse, shell by mvdan.cc/sh. The guard
// follows names through aliases, and joins strings where the code joins them from constants.
//
// The guard is no protection: an attacker can evade it. It can't know a name that the program
// computes from its input. The sandbox contains what the guard does not see. The guard says what to
// expect, and refuses early what would fail anyway. If code can't be parsed, or is nested too
// deeply, a finding says so.
package guard
