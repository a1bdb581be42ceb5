// Package mcpserver offers package code to MCP clients as two tools: run_code (the tier
// code-standard) and secure_sandbox (code-secure).
//
//	s := mcpserver.New(mcpserver.Config{Standard: standard, Secure: secure, Version: "1.0"})
//	err := s.Run(ctx)                // on standard input and output
//	err := s.Listen(ctx, listener)   // streamable HTTP
//
// A call reports its progress, and a call that is cancelled is killed. The answer has two forms:
// structured content, with a schema, and text for a model: what was printed, how it ended, what was
// refused and why, what to change. Files that the snippet left in /work/out are resource links; the
// newest results' files are kept in memory, within a bound.
//
// It does not authenticate: over HTTP it listens on loopback only, and there every user of the host
// may call it, unless a token is set. Requests that a browser sends for another site are refused.
package mcpserver
