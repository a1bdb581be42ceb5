// Package access says which tools, resources and prompts exist, which arguments a tool takes, and
// which server may run. One engine answers for a policy's mcp section, for an operator's store and
// for rules that were learnt. It is pure: it starts nothing and asks nobody.
//
//	policy := access.Compile(&p.MCP, nil)
//	rule := access.Rule{Layer: access.LayerTool, Match: "read_*", Effect: access.Allow}
//	store, err := access.NewSet([]access.Rule{rule})
//	both := access.All{policy, store}
//	tool := access.Item{Server: "notes", Kind: access.KindTool, Name: "read_note"}
//	v := both.Check(tool)                                           // v.Allowed, v.Reason
//	v = both.CheckArguments(tool, access.NewArguments(raw), files)  // v.Say is for the model
//
// # The layers
//
// Each layer must let a call through. In each, a rule that denies wins over every rule that allows.
//
//	global      off (deny) refuses everything; on (allow) leaves the answer to the other layers
//	server      its name, sha256:HEX of its program, or command:GLOB of its command line
//	package     NAME@RANGE of the npm package that it runs
//	version     a semver range that the version must be in that the server says it has
//	tool        a name or a glob; likewise resource (by URI) and prompt
//	parameter   a JSON Schema and folders for a tool's arguments; all that match must be satisfied
//	capability  what a tool needs must be among what the agent was granted (policies only)
//
// In a store, tools, resources and prompts that no rule allows are refused. In a policy that is so
// with mode: deny, and as soon as a list of what is allowed has an entry. The other layers refuse
// what no rule allows as soon as one allows something else to this server. In a glob, * and ? match
// any text and any character, slashes included; [a-z] is a range.
//
// # What it does not protect
//
// A server says its own name and version: only digests, command lines and packages tie it to a
// program. Without Set.For nothing is known of the program, and such rules let nothing through. A
// symbolic link may change after a path was checked.
//
// Kernel: none of its own. Sources: RFC 3986 §6 (readings of a URI), semver.org, JSON Schema.
package access
