// Package bridge lets MCP clients speak streamable HTTP to what speaks the stdio transport: a line
// for each message, one client.
//
//	b := bridge.New(bridge.Config{Most: 8, Open: func(ctx context.Context, client string, p
//
//	bridge.Pipe) error {
//			_, err := proxy.Serve(ctx, …p…)
//			return err
//		}})
//		b.ServeHTTP(w, r, "uid:1000", 8)
//
// Each session has a server of its own: a client that says initialize gets one, and an
// Mcp-Session-Id that only it may use. An answer is the body of the POST that asked; what the
// server says without being asked is on the session's one GET stream, and waits there within a
// bound. A client that leaves before its answer has its request cancelled. A server that ends takes
// its session along; one that ends at once, again and again, is not started for a while.
//
// It does not look into messages beyond method and id: that is package proxy's work.
//
// Kernel: none. Sources: MCP specification 2025-11-25, "Streamable HTTP".
package bridge
