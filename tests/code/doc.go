// Package code holds the tests of mcpbox code against real input: snippets in every language with
// the output that they have bare, attacking snippets at each tier, and what a thousand of them
// leave behind.
//
//	go test ./tests/code                       # against snippets/*.json
//	go test ./tests/code -run Snippets -update # write those; root
//
// The second one runs every snippet bare, in a mount namespace of its own.
package code
