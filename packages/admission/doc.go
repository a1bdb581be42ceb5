// Package admission decides whether a package may run, and makes the command that runs it.
//
//	desk, err := admission.Open()
//	// npx -y NAME becomes the installed program; policy gets its mounts. One that is quarantined
//	// gets a policy without network, workspace and tools; one that is denied is an error.
//	start, err := desk.Prepare(ctx, policy, []string{"npx", "-y", "NAME"}, admission.Options{})
//	report, err := desk.Report(ctx, pkg, policy.Packages)       // findings and verdict
//	err = desk.Decide(ctx, author, admission.Decision{Verdict: audit.Trusted, Name: "NAME"})
//
// Whoever starts servers calls Prepare: mcpbox run, mcpbox mcp, the daemon, mcpbox wrap.
//
// # What it does not protect
//
// A package that hides well is not found: the sandbox is what contains it. A decision is about a
// name and versions; give its integrity too if the registry is not to be believed.
//
// Kernel: see package runtime.
package admission
