// Package proxy stands between an MCP client and a stdio server that runs in a sandbox. It passes
// every message on byte for byte, unless a rule of the policy applies. It decides which tools
// exist, checks the arguments of calls, marks results as untrusted, and links security events to
// the tool call.
//
//	command := runtime.Command{Args: []string{"node", "server.js"}}
//	l := &launch.Launcher{Spec: func() (runtime.Spec, error) { … }, Command: command}
//	outcome, err := proxy.Serve(ctx, proxy.Config{
//		Client: proxy.Pipe{Reader: os.Stdin, Writer: os.Stdout},
//		Launch: l.Launch, Rules: policy.MCP,
//	})
//
// Messages are lines (the stdio transport of the MCP specification). A scanner reads each line as
// it arrives. It checks that the line is JSON and records where the few members are that rules look
// at. Nothing else is decoded unless a rule needs it.
//
//	client ──▶ from_client.go ──▶ judge.go (name? arguments? pinned?) ──▶ server in the sandbox
//	       ◀── result.go, listing.go (mark, filter) ◀── from_server.go ◀──
//
// # Rules
//
// The rules are the policy's mcp section, and optionally an allowlist: both must allow. Package
// access evaluates both. Events and records name the layer that refused:
//
//	global, tool, resource, prompt, version,    see package access
//	parameter, capability
//	pin                                         the tool's definition is not the approved one
//	limit                                       the call exceeded its time, memory or cpu time
//	protocol                                    the message could be read in more than one way
//
// The proxy answers a refused tools/call with a result that the model can read. The answer does not
// reveal the policy. The client never gets a message that is not JSON, that answers no request, or
// that is longer than Config.MaxMessage. There is one exception: if no rule needs whole messages,
// an unrequested answer of more than a megabyte is passed on and reported.
//
// Where rules apply, the proxy refuses a message that a server or client could read in another way
// than the rules do: a duplicate member or one in another case, a call without an id, a message
// that is both a request and an answer, a carriage return within a line.
//
// # Events and calls
//
// Every event of the sandbox names the calls that were in flight. If there are several, it names
// the oldest one and lists the others as ambiguous. This says when something happened, not why: a
// server can answer first and act later, during another call or during none. The limits of a call
// end with its answer. With Config.Isolate every call has its own server and sandbox, so an event
// belongs to exactly one call.
//
// # What it does not protect
//
//   - A tool that is allowed may do whatever the sandbox lets it do.
//   - Marked text is still text, and a model may believe it.
//   - Only results of tools are wrapped and labelled. Other texts are stripped if the policy
//     strips, and pass unchanged otherwise: texts.go lists every text and its treatment.
//   - The proxy writes only the _meta of a tool's result, and of its items if results are wrapped.
//     Everywhere else _meta comes from the server.
//   - A list of denied tools names tools as the server lists them. The server may also accept other
//     names. A list of allowed tools does not have this gap.
//   - A symbolic link may change after the check of a path and before the server uses it.
//   - The work of a task is linked to its call until the first answer.
//   - A restarted server loses its subscriptions and its logging level.
//   - Memory and CPU time of a call are those of the whole server during the call.
//
// # Memory
//
// A message that a rule needs as a whole is held in memory, up to Config.MaxMessage bytes. Others
// pass in pieces. A session holds at most one such message in each direction, and up to four copies
// of a result's texts while it rewrites the result. Calls that wait for the list of tools hold at
// most MaxMessage together, definitions of tools at most 16 MiB, and records of arguments at most
// 16 KiB a call.
//
// Kernel: none of its own; see package runtime. Sources: the MCP specification (2024-11-05 to
// 2025-11-25, and the drafts up to 2026-07-28), JSON-RPC 2.0.
package proxy
