package escape

import (
	"fmt"
	"os"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// mcpbox is the binary under test; scratch is a folder that a sandbox's user can reach.
var mcpbox, scratch string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "escape:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	var err error
	if scratch, err = os.MkdirTemp("", "mcpbox-escape-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o755); err != nil {
		return 1, err
	}
	os.Setenv("MCPBOX_TEST_TOKEN", "s3cret") // what no sandbox may see of its caller's environment
	if mcpbox, err = built.Path(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
