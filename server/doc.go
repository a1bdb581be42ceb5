// Package server is the daemon behind `mcpbox serve`: an HTTP API for programs that want commands
// and code run in sandboxes.
//
//	err := server.Run(ctx, server.Options{ConfigFile: "/etc/mcpbox/serve.yaml",
//		Log:   slog.Default(),
//		Ready: func(where []string) { fmt.Println("listening on", where) }})
//	// ctx ends: no new work is taken, what runs may finish until the drain time is over
//
// docs/API.md shows the API with curl, and package server/client is its Go client. Results that
// were answered are kept in SQLite and survive the daemon's death. Commands and snippets of code
// run in cells of package pool. If the request brings its own policy, or cells can't serve the
// policy, they run in a sandbox of their own.
//
// What a client may ask for depends on its identity: see package door, and Restricted in package
// config. A client of the daemon's own user may mount what that user may read, as with
// `mcpbox run`.
//
// Kernel: see package runtime. Sources: RFC 9110, RFC 9457, OpenAPI 3.1.
package server
