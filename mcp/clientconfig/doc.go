// Package clientconfig rewrites the configuration of MCP clients so that their stdio servers run under mcpbox, and back.
//
//	path, err := clientconfig.Path("cursor", home, dir)              // or a file
//	out, servers, err := clientconfig.Wrap(data, clientconfig.Options{Binary: "mcpbox", Flags: []string{"--policy", "strict"}})
//	out, servers, err = clientconfig.Unwrap(out, data, clientconfig.Options{})
//	change, err := clientconfig.WrapFile(path, options, dryRun)      // with a backup, and atomically
//
// # The form
//
// JSON as the clients read it, comments and trailing commas included. Servers are the members of mcpServers (most
// clients), servers (VS Code), mcp.servers (VS Code's settings) and projects.*.mcpServers (Claude Code). One that has a
// command is rewritten:
//
//	{"command": "node", "args": ["server.js"], "env": {"TOKEN": "…"}}
//	{"command": "mcpbox", "args": ["mcp", "--policy", "strict", "--name=notes", "--env=TOKEN", "--", "node", "server.js"], "env": {"TOKEN": "…"}}
//
// The file is edited, never printed anew: outside of the command and the args nothing changes, not a blank. The key
// becomes the name that the allowlist goes by. Variables are passed on by name: their values are in no process's
// arguments. What has a URL is left alone, and so is what runs under mcpbox already.
//
// # The way back
//
// An entry that is still what Wrap made of it becomes, byte for byte, what the backup has; one that was edited since
// loses what Wrap put in, and keeps the edit. So an untouched file is restored to the byte, and a touched one loses nothing.
//
// # What it does not protect
//
// A client that writes its configuration while it runs may overwrite the rewritten one with what it has in memory: the
// file is compared just before it is replaced, which makes the window small and does not close it. A server that the
// client learns of elsewhere (an extension, a remote one) is not seen.
package clientconfig
