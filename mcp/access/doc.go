// Package access decides which tools, resources and prompts exist, which arguments a tool takes,
// and which server may run. One engine evaluates a policy's mcp section, an operator's store and
// learnt rules. It is pure: it starts no process and uses no network.
//
//	policy := access.Compile(&p.MCP, nil)
//	rule := access.Rule{Layer: access.LayerTool, Match: "read_*", Effect: access.Allow}
//	store, err := access.NewSet([]access.Rule{rule})
//	both := access.All{policy, store}
//	tool := access.Item{Server: "notes", Kind: access.KindTool, Name: "read_note"}
//	v := both.Check(tool)                                           // v.Allowed, v.Reason
//	v = both.CheckArguments(tool, access.NewArguments(raw), files)  // v.Say: for the model
//
// # The layers
//
// Each layer must let a call through. In each, a rule that denies wins over every rule that allows.
//
//	global      off (deny) refuses everything; on (allow) lets the other layers decide
//	server      its name, sha256:HEX of its program, or command:GLOB of its command line
//	package     NAME@RANGE of the npm package that it runs
//	version     a semver range for the version that the server reports
//	tool        a name or a glob; likewise resource (by URI) and prompt
//	parameter   a JSON Schema and folders for a tool's arguments; every rule that matches applies
//	capability  the agent must have been granted what a tool needs (policies only)
//
// A store refuses tools, resources and prompts that no rule allows. A policy does so with mode:
// deny, and as soon as its allow list has an entry. In every other layer, one rule that allows
// something for a server makes the layer refuse everything else for that server. In a glob, *
// matches any text and ? any character, slashes included; [a-z] is a range.
//
// # What it does not protect
//
// A server reports its own name and version. Only digests, command lines and packages tie it to a
// program. Without Set.For the program is unknown, and a rule that allows a program does not match.
// A symbolic link may change after a path was checked.
//
// Kernel: none of its own. Sources: RFC 3986 §6 (readings of a URI), semver.org, JSON Schema.
package access
