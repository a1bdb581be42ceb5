// Package clientconfig rewrites the configuration of MCP clients so that their stdio servers run
// under mcpbox, and back.
//
//	dirs := clientconfig.Dirs{Home: home, Config: config, Work: dir}
//	paths, err := clientconfig.Find("cursor", dirs)
//	o := clientconfig.Options{Binary: "mcpbox", Flags: []string{"--policy", "strict"}}
//	out, servers, err := clientconfig.Wrap(data, o)
//	out, servers, err = clientconfig.Unwrap(out, data, o)
//	change, err := clientconfig.WrapFile(path, o, dryRun, nil)  // with a backup
//
// # The format
//
// The files are JSON (comments and trailing commas are allowed), TOML (Codex) or YAML (Goose,
// Continue). Servers are the members of mcpServers (most clients), servers (VS Code), mcp.servers
// (VS Code's settings), projects.*.mcpServers (Claude Code), context_servers (Zed), amp.mcpServers,
// mcp_servers (Codex), extensions (Goose) and mcp (opencode). A server with a command is rewritten:
//
//	{"command": "node", "args": ["server.js"], "env": {"TOKEN": "…"}}
//	{"command": "mcpbox",
//	 "args": ["mcp", "--policy", "strict", "--name=notes", "--env=TOKEN",
//	          "--", "node", "server.js"],
//	 "env": {"TOKEN": "…"}}
//
// The file is edited in place: only the command and the args change. The key becomes the name of
// the server in allowlist rules. Variables are passed by name, so that no process has their values
// in its arguments. Servers with a URL, and servers that already run under mcpbox, stay unchanged.
//
// # Unwrapping
//
// An entry that was not edited after Wrap is restored from the backup, byte for byte. From an
// edited entry, Unwrap removes what Wrap added and keeps the edit.
//
// # What it does not protect
//
// A running client may overwrite the file with the configuration in its memory. The file is
// compared just before it is replaced, but a client can still write at that moment. Servers from
// other sources (an extension, a remote list) are not changed.
//
// Kernel: none of its own.
package clientconfig
