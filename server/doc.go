// Package server is the daemon behind `mcpbox serve`: an HTTP API for programs that want commands
// and code run in sandboxes.
//
//	err := server.Run(ctx, server.Options{ConfigFile: "/etc/mcpbox/serve.yaml",
//		Log:   slog.Default(),
//		Ready: func(where []string) { fmt.Println("listening on", where) }})
//	// ctx ends: no new work is taken, what runs may finish until the drain time is over
//
// docs/API.md shows the API with curl, and package server/client is its Go client. What has been
// answered is kept in SQLite and survives the daemon's death. Commands run in package pool's cells;
// snippets of code, and commands with files, each in a sandbox of their own.
//
// What clients may ask for depends on who they are: see package door, and Restricted in package
// config. A client of the daemon's own user may mount what that user may read, as with `mcpbox
// run`.
//
// Kernel: see package runtime. Sources: RFC 9110, RFC 9457, OpenAPI 3.1.
package server
