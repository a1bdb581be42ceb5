// Package code runs snippets of code. The guard reads a snippet before it runs, a sandbox contains
// it, and the result reports what the snippet did.
//
//	r := code.Runner{Policy: tier} // policies.Preset("code-standard") or "code-secure"
//	res, err := r.Run(ctx, code.Request{Language: "python", Code: source})
//	fmt.Println(res.Status, res.Stdout, res.Guard.Findings, res.Files)
//
// A snippet runs as a script file does: /work/main.py in Python's own __main__, with its arguments,
// its exit code and tracebacks that show its lines. The table of languages is in languages.go. A
// compiler runs in a sandbox of its own, with its own limits, and the compiled program runs in the
// tier's sandbox. The result has the files that the snippet leaves in /work/out, up to a limit:
// regular files only, and no links are followed.
//
// With a Pool, snippets run in cells that are ready, and interpreters wait in them (prestart.go).
// Snippets of a session share a cell and its interpreter (session.go).
//
// No code runs without a sandbox. If the host can't sandbox, or has no interpreter,
// Result.Available is false and Result.Reason says why. This is no error.
//
// The package does not protect from what the policy allows. The guard (package guard) is a second
// line of defence, not a wall.
//
// Kernel: see package runtime.
package code
