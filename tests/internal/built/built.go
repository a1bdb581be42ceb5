// Package built finds the mcpbox that the tests run: $MCPBOX, otherwise bin/mcpbox of this tree,
// which make build creates.
//
//	cmd := exec.Command(built.Mcpbox(t), "run", "--", "true")
//
// It builds nothing, so the tests run the same binary that is shipped.
package built

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Mcpbox returns the absolute path of the binary. Without one the test fails.
func Mcpbox(tb testing.TB) string {
	tb.Helper()
	path, err := Path()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Path is like Mcpbox, for TestMain.
func Path() (string, error) {
	path := os.Getenv("MCPBOX")
	if path == "" {
		// a test runs in its own folder, tests/NAME
		path = filepath.Join("..", "..", "bin", "mcpbox")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no mcpbox to test: %w (make build, or name one with MCPBOX)", err)
	}
	return path, nil
}
