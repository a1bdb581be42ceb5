// Package proxy stands between an MCP client and a stdio server that runs in a sandbox. It forwards every message both
// ways, byte for byte, unless a rule of the policy applies; it decides which tools exist, looks at the arguments, marks
// the results as untrusted, and knows which call a security event belongs to.
//
//	l := &launch.Launcher{Spec: func() (runtime.Spec, error) { … }, Command: runtime.Command{Args: argv}}
//	outcome, err := proxy.Serve(ctx, proxy.Config{
//		Client: proxy.Pipe{Reader: os.Stdin, Writer: os.Stdout}, Launch: l.Launch, Rules: policy.MCP,
//	})
//
// Messages are lines (the stdio transport of the MCP specification). One scanner reads each as it arrives: it checks that
// the line is JSON, and notes where the few members are that matter here. Nothing else is decoded unless a rule needs it.
//
//	client ──▶ from_client ──(allowed? arguments? pinned?)──▶ server in the sandbox
//	       ◀── from_server ◀──(asked for? JSON? filter lists, mark results)──
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
// answers a request that nobody made, or is longer than Config.MaxMessage never reaches the client: except that, where no
// rule needs messages as a whole, such an answer of more than a megabyte is passed on and only reported.
//
// Where rules apply, nothing passes that a server or client could read otherwise than the rules do: a member twice or in
// another spelling, a call without an id, a message that is a request and an answer, a carriage return within a line.
//
// # Attribution
//
// Every event of the sandbox carries the calls in flight when it happened: one, or the first and the others as ambiguous.
// That is when, not why: a server that answers first and acts later, or leaves a process behind, acts in a later call's
// time, or in none's; and a call's limits end with its answer.
// Config.Isolate gives every call a server of its own in a sandbox of its own: then it is always one, and the right one.
//
// # What it does not protect
//
// A tool that is allowed may do whatever the sandbox lets it do. Marked text is still text, and a model may believe it. Only
// tools' answers are marked: not resources, prompts, logging messages, tools' descriptions, the instructions of the handshake,
// or what a server asks of the client (sampling, elicitation). The word of the proxy is in the _meta of a tool's result, and
// where results are wrapped in that of their items; anywhere else it is the server's own. A list of what is denied names tools
// as they are listed: a server may answer to other names, a list of what is allowed has none of them. A symbolic link
// may change between the check of a path and the server's use of it. A task's work is attributed until its first answer. A
// server that is restarted has forgotten its subscriptions and logging level. Memory and cpu time of a call are the whole
// server's meanwhile.
//
// A message that a rule must see whole is held in memory, twice while it is looked for; others are passed on in pieces.
//
// Kernel: none of its own; see package runtime.
package proxy
