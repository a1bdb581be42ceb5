package limits

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// inResident is set for the tests that TestLimitsHoldInTheResident runs.
const inResident = "MCPBOX_LIMITS_IN_RESIDENT"

// Each limit holds in a cell that was built before its call, too: all tests of this package are run
// again through `mcpbox run --resident`, but those about what a killed run leaves, and slow ones.
func TestLimitsHoldInTheResident(t *testing.T) {
	if os.Getenv(inResident) != "" {
		return // it is one of them
	}
	requireSandbox(t)
	// A copy: each executable has a resident of its own.
	data, err := os.ReadFile(built.Mcpbox(t))
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "mcpbox")
	if err := os.WriteFile(own, data, 0o755); err != nil {
		t.Fatal(err)
	}
	resident := exec.Command(own, "resident")
	if err := resident.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = exec.Command(own, "resident", "--stop").Run()
		_ = resident.Wait()
	}()
	for end := time.Now().Add(30 * time.Second); exec.Command(own, "resident",
		"--status").Run() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no resident listens")
		}
	}
	// The last two that are skipped compare with what a cell's cgroup shows inside: it has one task
	// more, and the time of the cell's making.
	again := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.timeout=5m",
		"-test.skip=LanguageRuntimes|AddressSanitizer|ManyRuns|GCRemoves|"+
			"TheResultMatchesWhatTheSandboxReads|ASandboxSeesItsOwnCgroup")
	again.Env = append(os.Environ(), "MCPBOX="+own, "MCPBOX_RESIDENT=1", inResident+"=1")
	out, err := again.CombinedOutput()
	passed := strings.Count(string(out), "\n--- PASS")
	t.Logf("%d tests passed in cells", passed)
	if err != nil || passed < 10 {
		t.Errorf("%v\n%s", err, out)
	}
}
