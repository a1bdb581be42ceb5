// Package packages installs once what npx, uvx and similar runners would download, and keeps it.
//
//	s, err := packages.Open(dir)                            // packages.DefaultDir()
//	p, err := s.Find(request)                               // nil, nil: not installed
//	p, err := s.Install(ctx, request, packages.Options{Progress: say})
//	command, mounts, err := p.Command(request)              // for a policy and runtime.Command
//
// # Install and run
//
// An install runs npm or pip in a sandbox of its own. The sandbox reaches the registries of the
// user's configuration and nothing else, sees no writable folder of the host, and has limits of
// memory, storage and time. npm runs no script of a package (--ignore-scripts). The tree leaves the
// sandbox as a tar stream. From this stream, mcpbox takes only folders, regular files and links
// that stay inside the tree. A complete tree becomes visible by one rename.
//
//	npm/@acme+notes/1.2.3-5f0c…/mcpbox.json   what it is, where it came from, its hash
//	npm/@acme+notes/1.2.3-5f0c…/tree/         the files
//	npm/@acme+notes/refs.json                 which folder an asked version or range means
//	staging/                                  installs under way
//
// A program runs from its tree, bound read-only, under the caller's policy. A range keeps its
// meaning until the package is removed or updated.
//
// # What it does not protect
//
// A package that needs its install scripts may not work. The policy decides what a package may do
// when it runs. The store belongs to the user: a program that can write to it can replace programs
// (Verify finds such changes).
//
// Kernel: that of package runtime; flock(2).
package packages
