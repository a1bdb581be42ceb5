// Package trial starts an MCP server as its client would, lists its tools, and ends it.
//
//	cmd := exec.Command("mcpbox", "mcp", "--", "node", "server.js")
//	server, err := trial.Start(ctx, cmd)
//	… server.Tools, server.Remarks …
//
// # What it does not protect
//
// It starts the command unchanged: to start a server in a sandbox, put mcpbox in front of its
// command. A server that lists its tools may still fail when a tool is called.
//
// Kernel: none of its own.
package trial
