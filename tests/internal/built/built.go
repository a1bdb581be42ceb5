// Package built names the mcpbox that the tests run: the one of $MCPBOX, else bin/mcpbox of this
// tree, as make build leaves it.
//
//	cmd := exec.Command(built.Mcpbox(t), "run", "--", "true")
//
// It builds nothing: a test that ran another binary than the one that is shipped would prove
// nothing about that.
package built

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Mcpbox is the absolute path of the binary. Without one the test fails.
func Mcpbox(tb testing.TB) string {
	tb.Helper()
	path, err := Path()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Path is Mcpbox for TestMain.
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
