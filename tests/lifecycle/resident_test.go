package lifecycle

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// ownCopy makes a copy of mcpbox, because each executable has its own resident process.
func ownCopy(t *testing.T) string {
	t.Helper()
	testhost.Need(t, "sandbox")
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mcpbox")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func startResident(t *testing.T, own string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(own, "resident")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, "the resident listens", func() bool {
		return exec.Command(own, "resident", "--status").Run() == nil
	})
	return cmd
}

// However early or late the resident process is killed, no process is left. Its fronts report that
// it has ended, and the next call starts a new one.
func TestAKilledResidentLeavesNothing(t *testing.T) {
	own := ownCopy(t)
	for round := range 8 {
		resident := startResident(t, own)
		marker := fmt.Sprintf("resident-%d-%d", os.Getpid(), time.Now().UnixNano())
		var fronts sync.WaitGroup
		codes := make([]int, 4)
		for i := range codes {
			fronts.Go(func() {
				out, err := exec.Command(own, "run", "--resident", "-q", "--", "sh", "-c",
					"sleep 1000 & sleep 1000; : "+marker).CombinedOutput()
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					codes[i] = exit.ExitCode()
				}
				if codes[i] == 125 && !strings.Contains(string(out), "mcpbox: ") {
					t.Errorf("round %d: a front ended without a word: %q", round, out)
				}
			})
		}
		// a random moment, because the claim is about any moment
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		_ = resident.Process.Signal(syscall.SIGKILL)
		_ = resident.Wait()
		// Fronts that found no resident process have started their commands themselves. Wait for
		// these.
		eventually(t, "the fronts end", func() bool {
			for _, pid := range processes(t, marker) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			done := make(chan struct{})
			go func() { fronts.Wait(); close(done) }()
			select {
			case <-done:
				return true
			case <-time.After(20 * time.Millisecond):
				return false
			}
		})
		eventually(t, "every process ends", func() bool { return len(processes(t, marker)) == 0 })
	}
	// A front that found no resident process may have started another one.
	t.Cleanup(func() { _ = exec.Command(own, "resident", "--stop").Run() })
	// The next start removes what is left in the state folder.
	if out, err := exec.Command(own, "run", "-q", "--", "true").CombinedOutput(); err != nil {
		t.Errorf("the next start: %v\n%s", err, out)
	}
}

// If a front is killed, its program ends, and no other.
func TestAKilledFrontEndsItsProgram(t *testing.T) {
	own := ownCopy(t)
	startResident(t, own)
	front := func() (*exec.Cmd, string) {
		marker := fmt.Sprintf("front-%d-%d", os.Getpid(), time.Now().UnixNano())
		cmd := exec.Command(own, "run", "--resident", "-q", "--", "sh", "-c",
			"echo ready; sleep 1000; : "+marker)
		started(t, cmd)
		return cmd, marker
	}
	killed, gone := front()
	_, stays := front()
	_ = killed.Process.Kill()
	eventually(t, "its program ends", func() bool { return len(processes(t, gone)) == 0 })
	if len(processes(t, stays)) == 0 {
		t.Error("another front's program has ended, too")
	}
}
