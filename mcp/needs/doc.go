// Package needs finds out what an MCP server needs from the host: the folders and files that its
// command line, its variables and its working folder name, and those that belong to its program.
//
//	n := needs.Of(needs.Server{Command: []string{"node", "/srv/notes/dist/index.js"}}, host)
//	for _, m := range n.Mounts { … m.Source, m.Write, m.Why … }
//
// Everything is mounted at its own path. It is read-only unless the server is known to write there.
//
// # What it does not protect
//
// The package does not see files that a program opens without naming them in its configuration:
// start it once to find out (package trial). Sockets, the home folder, its dot folders, keys and
// credentials are never mounted, only reported. Keys and credentials are recognised by name and
// content, so some may be missed.
//
// Kernel: none of its own. It reads the host's files, and starts nothing.
package needs
