// Package runner knows the programs that download a package and run it (npx, uvx …), and reads
// their command lines. Its list is the only one.
//
//	runner.Of([]string{"npm", "exec", "x"})                       // "npm exec"
//	r, ok := runner.Parse([]string{"npx", "-y", "@acme/notes@^1"}) // r.Name, r.Range, r.Args
//
// # What it does not protect
//
// A command line with an option that is not known here, or with a package that no registry has (a
// folder, a URL, a git repository), is not parsed: ok is false. The caller must not guess.
//
// Kernel: none. Sources: npm's documentation of npx and npm exec, pnpm's of dlx, bun's of bunx,
// uv's of uvx, pipx's of run.
package runner
