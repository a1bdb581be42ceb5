// Package mcp stands between an MCP client and a stdio server that runs in a sandbox. It forwards every message both
// ways, byte for byte, unless a rule of the policy applies; it decides which tools exist, looks at the arguments, marks
// the results as untrusted, and knows which call a security event belongs to.
//
//	host := &mcp.Host{Spec: func() (runtime.Spec, error) { … }, Process: runtime.Process{Args: argv}}
//	outcome, err := mcp.Serve(ctx, mcp.Config{
//		Client: mcp.Pipe{Reader: os.Stdin, Writer: os.Stdout}, Launch: host.Launch, Rules: policy.MCP,
//	})
//
// Messages are lines (the stdio transport of the MCP specification). One scanner reads each as it arrives: it checks that
// the line is JSON, and notes where the few members are that matter here. Nothing else is decoded unless a rule needs it.
//
//	client ──▶ up ──(allowed? arguments? pinned?)──▶ server in the sandbox
//	       ◀── down ◀──(asked for? JSON? filter lists, mark results)──
//
// What it does not protect: a tool that is allowed may do whatever the sandbox lets it do; marked text is still text, and
// a model may believe it; a symbolic link may change between the check of a path and the server's use of it.
//
// Kernel: none of its own; see package runtime.
package mcp
