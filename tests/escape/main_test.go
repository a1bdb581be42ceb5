package escape

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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
	for _, name := range []string{"MCPBOX", "MCPBOX_BIN"} {
		if path := os.Getenv(name); path != "" {
			mcpbox, err = filepath.Abs(path)
			return m.Run(), err
		}
	}
	mcpbox = filepath.Join(scratch, "mcpbox")
	if out, err := exec.Command("go", "build", "-o", mcpbox, "../../cmd/mcpbox").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build mcpbox: %w\n%s", err, out)
	}
	return m.Run(), nil
}
