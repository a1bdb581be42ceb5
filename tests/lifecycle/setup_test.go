package lifecycle

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// deadline bounds every wait. It is far longer than a loaded machine needs.
const deadline = 30 * time.Second

var binary string

func TestMain(m *testing.M) {
	var err error
	if binary, err = built.Path(); err != nil {
		fmt.Fprintln(os.Stderr, "lifecycle:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// box prepares `mcpbox run -q`. A marker in the tool's arguments identifies its processes.
func box(t *testing.T, script string, args ...string) (cmd *exec.Cmd, marker string) {
	t.Helper()
	testhost.Need(t, "sandbox")
	marker = fmt.Sprintf("lifecycle-%d-%d", os.Getpid(), time.Now().UnixNano())
	args = append(append([]string{"run", "-q"}, args...), "--", "sh", "-c", script, marker)
	return exec.Command(binary, args...), marker
}

// processes lists the processes with the marker in their command line, except mcpbox itself.
func processes(t *testing.T, marker string) (pids []int) {
	t.Helper()
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		data, err := os.ReadFile(dir + "/cmdline")
		if err != nil || !bytes.Contains(data, []byte(marker)) {
			continue
		}
		if exe, _, _ := strings.Cut(string(data),
			"\x00"); filepath.Base(exe) == filepath.Base(binary) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// eventually polls a condition that has no event to wait for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, deadline)
}

// started runs cmd and waits until its tool has written a line.
func started(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 64)); err != nil {
		t.Fatalf("the tool said nothing: %v", err)
	}
}

// exit waits for cmd and returns its exit code, -1 for a signal.
func exit(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(deadline):
		cmd.Process.Kill()
		t.Fatal("mcpbox hangs")
	}
	return cmd.ProcessState.ExitCode()
}
