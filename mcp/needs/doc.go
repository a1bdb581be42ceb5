// Package needs finds out what an MCP server needs of the host: which folders and files its command
// line, its variables and its working folder name, and what belongs to its program.
//
//	n := needs.Of(needs.Server{Command: []string{"node", "/srv/notes/dist/index.js"}}, host)
//	for _, m := range n.Mounts { … m.Source, m.Write, m.Why … }
//
// Everything is shown at its own path. It is read-only unless the server is known to write there.
//
// # What it does not protect
//
// What a program opens by itself, without a word in its configuration, is not seen: start it once
// (package trial). Sockets, the home folder, its dot folders, keys and credentials are never
// mounted, only named. They are recognised by name and content: others may be missed.
//
// Kernel: none of its own. It reads the host's files, and starts nothing.
package needs
