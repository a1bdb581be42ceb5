package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// The folder is on a separate disk, and the test bypasses the page cache. With io.max of one MiB/s,
// three MiB take at least two seconds.
func TestTheRateOfWritingToADiskHolds(t *testing.T) {
	testhost.Need(t, "disk", "root") // root: the io controller is rarely delegated
	requireCgroup2(t)
	disk := os.Getenv("MCPBOX_TEST_DISK")
	dir, err := os.MkdirTemp(disk, "io")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	policy := func(limits string) string {
		file := filepath.Join(t.TempDir(), "policy.yaml")
		text := fmt.Sprintf("version: 1\nname: slow-disk\nextends: standard\n"+
			"filesystem: {mounts: [{source: %s, target: /work, mode: rw}]}\n%s", dir, limits)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write := func(limits string) outcome {
		o := run(t, "--policy", policy(limits), "--", "dd", "if=/dev/zero", "of=/work/f", "bs=64k",
			"count=48", "oflag=direct", "status=none")
		if !o.Success {
			t.Fatalf("status %s\n%s", o.Status, o.stderr)
		}
		return o
	}
	free := write("")
	held := write(fmt.Sprintf("limits: {io: [{device: %s, write_bps: 1MiB}]}", disk))
	t.Logf("3 MiB: %v without a limit, %v at 1 MiB/s", time.Duration(free.ExecutionTime),
		time.Duration(held.ExecutionTime))
	if took := time.Duration(held.ExecutionTime); took < 2*time.Second ||
		took < 2*time.Duration(free.ExecutionTime) {
		t.Errorf("3 MiB at 1 MiB/s took %v, without a limit %v", took,
			time.Duration(free.ExecutionTime))
	}
	if b := held.Limits["io"].Backend; b != "cgroup2" {
		t.Errorf("io is limited by %q", b)
	}
}
