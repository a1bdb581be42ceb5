package escape

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

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
	stop, err := startResident()
	if err != nil {
		return 1, err
	}
	defer stop()
	return m.Run(), nil
}

// startResident starts what `mcpbox run --resident` uses, and waits until it listens.
func startResident() (stop func(), err error) {
	if exec.Command(mcpbox, "resident", "--status").Run() == nil {
		return func() {}, nil
	}
	cmd := exec.Command(mcpbox, "resident")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	for range 200 {
		probe := exec.Command(mcpbox, "resident", "--status")
		if probe.Run() == nil {
			return stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, errors.New("the resident does not listen")
}
