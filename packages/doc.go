// Package packages installs what npx and its like would download, once, and keeps it.
//
//	s, err := packages.Open(dir)                            // packages.DefaultDir()
//	p, err := s.Find(request)                               // nil, nil: not installed
//	p, err := s.Install(ctx, request, packages.Options{Progress: say})
//	command, mounts, err := p.Command(request)              // for a policy and runtime.Command
//
// # Install and run
//
// An install runs npm in a sandbox of its own. The sandbox reaches the registries of the user's npm
// configuration and nothing else, sees no folder of the host's that it could write, and has limits
// of memory, storage and time. npm runs no script of a package (--ignore-scripts). The tree leaves
// the sandbox as a tar stream, of which only folders, regular files and links that stay inside are
// taken. It becomes visible by one rename, when it is whole.
//
//	npm/@acme+notes/1.2.3-5f0c…/mcpbox.json   what it is, where it came from, its hash
//	npm/@acme+notes/1.2.3-5f0c…/tree/         the files
//	npm/@acme+notes/refs.json                 which folder an asked version or range means
//	staging/                                  installs under way
//
// A program runs from its tree, bound read-only, under the caller's policy. What a range means
// stays as it is until the package is removed or updated.
//
// # What it does not protect
//
// A package that needs its install scripts may not work. What a package does when it runs is
// the policy's business. The store belongs to the user: what may write there may replace programs
// (Verify finds that).
//
// Kernel: that of package runtime; flock(2).
package packages
