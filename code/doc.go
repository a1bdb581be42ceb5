// Package code runs snippets of code: looked at before, contained while they run, reported
// afterwards.
//
//	r := code.Runner{Policy: tier} // policies.Preset("code-standard") or "code-secure"
//	res, err := r.Run(ctx, code.Request{Language: "python", Code: source})
//	fmt.Println(res.Status, res.Stdout, res.Guard.Findings, res.Files)
//
// A snippet runs as a script file does: /work/main.py in Python's own __main__, with its arguments,
// its exit code and tracebacks that show its lines. Languages are a table (languages.go); compiled
// ones are compiled in a sandbox of their own, with the limits of a compiler, and the result runs
// in the tier's. What the snippet leaves in /work/out comes back,
// bounded: regular files only, no links followed.
//
// With a Pool, snippets run in cells that are ready, and interpreters wait in them (prestart.go).
// Snippets of a session share one (session.go).
//
// Nothing runs bare. Where the host can't sandbox, or has no interpreter, Result.Available is false
// and Result.Reason says why; that is no error.
//
// It does not protect from what the policy allows. The guard (package guard) is a second line of
// defence, not a wall.
//
// It needs what package runtime needs of the kernel.
package code
