// Package guard looks at a snippet of code before it runs: dangerous imports, calls and attributes,
// and the usual ways to hide them. It reads the code and never executes it.
//
//	g := guard.Guard{Rules: policy.Guard, Python: run} // run starts a Python in a sandbox
//	report, err := g.Check(ctx, guard.Python, source)
//	if report.Refused { … } // report.Findings says where and why
//
// Python is parsed by the interpreter that would run it, because only that one knows its grammar:
// python.py prints facts, and Go judges them by the tables in rules_*.go and by the policy.
// JavaScript is parsed by tdewolff/parse, shell by mvdan.cc/sh. Names are followed through aliases,
// and strings are put together where the code does so from constants.
//
// It does not protect: whoever wants to get past it will. A name that is computed from what the
// program reads when it runs can't be known before. The sandbox contains what the guard does not
// see; the guard says what to expect, and refuses early what would fail anyway. Code that can't be
// parsed, or is nested too deeply, has a finding that says so.
package guard
