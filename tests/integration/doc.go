// Package integration holds the tests that drive MCP servers nobody here wrote
// with a client nobody here wrote (the official Go SDK): every server runs once
// bare and once under `mcpbox run`, gets the same calls, and must answer the same.
//
//	make build && go test ./tests/integration
//
// The servers are pinned in package-lock.json and fetched once by `npm ci`.
// Without npm or the network the tests are skipped and say why; where
// MCPBOX_REQUIRE promises npm and registry, they fail.
package integration
