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
// Messages are lines (the stdio transport of the MCP specification). A scanner reads each as it
// arrives: it checks that the line is JSON and notes where the few members are that matter. Nothing
// else is decoded unless a rule needs it.
//
//	client ──▶ from_client.go ──▶ judge.go (name? arguments? pinned?) ──▶ server in the sandbox
//	       ◀── result.go, listing.go (mark, filter) ◀── from_server.go ◀──
//
// # Rules
//
// The rules are the policy's mcp section, and an allowlist beside it: both must allow. Package
// access judges by both. Events and records name the layer that refused:
//
//	global, tool, resource, prompt, version,    see package access
//	parameter, capability
//	pin                                         the tool's definition is not the approved one
//	limit                                       the call exceeded its time, memory or cpu time
//	protocol                                    the message could be read in more than one way
//
// A refused tools/call is answered with a result that the model can read. The answer does not
// reveal the policy. The client never gets a message that is not JSON, that answers a request
// nobody made, or that is longer than Config.MaxMessage. One exception: where no rule needs
// messages as a whole, an unrequested answer of more than a megabyte is passed on, and reported.
//
// Where rules apply, a message is refused if a server or client could read it in another way than
// the rules do: a member that is there twice or in another case, a call without an id, a message
// that is both a request and an answer, a carriage return within a line.
//
// # Events and calls
//
// Every event of the sandbox carries the calls in flight when it happened. If there are several,
// one is named and the others are listed as ambiguous. This says when something happened, not why:
// a server that answers first and acts later acts in the time of a later call, or of none. The
// limits of a call end with its answer. With Config.Isolate every call has a server and a sandbox
// of its own, so an event belongs to exactly one call.
//
// # What it does not protect
//
//   - A tool that is allowed may do whatever the sandbox lets it do.
//   - Marked text is still text, and a model may believe it.
//   - Only results of tools are wrapped and labelled. Other texts are stripped where the policy
//     strips, and pass as they are where it does not: texts.go lists every text and its treatment.
//   - Only the _meta of a tool's result, and of its items where results are wrapped, is the proxy's
//     word. Anywhere else it is the server's.
//   - A list of denied tools names them as they are listed. A server may also answer to other
//     names; a list of allowed tools does not have this gap.
//   - A symbolic link may change between the check of a path and the server's use of it.
//   - The work of a task is linked to its call until the first answer.
//   - A restarted server has lost its subscriptions and its logging level.
//   - Memory and cpu time of a call are those of the whole server meanwhile.
//
// # Memory
//
// A message that a rule needs as a whole is held in memory, at most Config.MaxMessage bytes of it.
// Others pass in pieces. A session holds at most one such message in each direction, and while it
// rewrites a result up to four copies of its texts. Calls that wait for the list of tools hold
// MaxMessage together; definitions of tools 16 MiB; records of arguments 16 KiB a call.
//
// Kernel: none of its own; see package runtime. Sources: the MCP specification (2024-11-05 to
// 2025-11-25, and the drafts up to 2026-07-28), JSON-RPC 2.0.
package proxy
