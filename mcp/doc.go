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
// # Rules
//
// The policy's mcp section, and an Allowlist beside it, both of which must allow. Layers, as events and records name them:
//
//	global      mode: open, deny, off              server     command line, sha256 of the program or script
//	tool        names, patterns; resources, prompts  version    of serverInfo, and of the package
//	parameter   JSON Schema, folders, inputSchema  pin        the definition is the approved one
//	capability  what the tool needs is granted     limit      time, memory, cpu time of one call
//
// A refused tools/call is answered with a result that the model can read and that does not tell the policy. What is not JSON,
// answers a request that nobody made, or is longer than Config.MaxMessage never reaches the client.
//
// # Attribution
//
// Every event of the sandbox carries the calls in flight when it happened: one, or the first and the others as ambiguous.
// Config.Isolate gives every call a server of its own in a sandbox of its own: then it is always one.
//
// # What it does not protect
//
// A tool that is allowed may do whatever the sandbox lets it do. Marked text is still text, and a model may believe it. Only
// tools' results are marked: not resources, prompts, logging messages, or the instructions of the handshake. A symbolic link
// may change between the check of a path and the server's use of it. A task's work is attributed until its first answer. A
// server that is restarted has forgotten its subscriptions and logging level. Memory and cpu time of a call are the whole
// server's meanwhile.
//
// A message that a rule must see whole is held in memory, twice while it is looked for; others are passed on in pieces.
//
// Kernel: none of its own; see package runtime.
package mcp
