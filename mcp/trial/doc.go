// Package trial starts an MCP server as its client would, lists its tools, and ends it.
//
//	cmd := exec.Command("mcpbox", "mcp", "--", "node", "server.js")
//	tools, err := trial.Start(ctx, cmd)
//
// # What it does not protect
//
// It starts the command as it is: whoever wants it in a sandbox names mcpbox in it. That a server
// lists its tools does not say that each of them works.
//
// Kernel: none of its own.
package trial
