// Package access says what an operator's allowlist lets through. It is pure: rules come from package store, from a file,
// or from package learn.
//
//	set, err := access.NewSet([]access.Rule{{Layer: access.LayerTool, Server: "notes", Match: "read_*", Effect: access.Allow}})
//	v := set.Check(access.Item{Server: "notes", Kind: access.KindTool, Name: "read_note"}, nil)   // v.Allowed
//	v = set.CheckArguments("notes", "read_note", arguments)                           // what its arguments must satisfy
//
// # The layers
//
// Each layer must let a call through; in each, a rule that denies wins over every rule that allows.
//
//	global     off (deny) refuses everything; on (allow) is the default and lets the other layers decide
//	server     the name a server goes by, sha256:HEX of its program, or command:GLOB of its command line
//	version    a semver range that the server's own version must lie in
//	tool       names and globs; resources and prompts (URIs and names) likewise
//	parameter  a JSON Schema for a tool's arguments; if several rules match, all must be satisfied
//
// Tools, resources and prompts that no rule allows are refused. The layers server and version restrict as soon as they
// have a rule that allows something to this server; until then they let through what they don't deny. In a glob, * and ?
// match any text and any character, slashes included; [a-z] is a range.
//
// # What it does not protect
//
// A server says its own name and version: only sha256: and command: rules tie a server to a program. The proxy must
// tell what it runs (Launch); where it doesn't, such rules let nothing through.
package access
