package limits

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/runtime"
)

// Memory is what is used, not what is reserved: sparse arrays, virtual machines and sanitizers reserve terabytes.
func TestReservedMemoryIsNotCounted(t *testing.T) {
	requireSandbox(t)
	testhost.Need(t, "python3")
	const reserve = `import mmap; m = mmap.mmap(-1, 1 << 43, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000); m[0] = m[1 << 42] = 1; print("reserved")`
	o := run(t, "--memory", "64MiB", "--", "python3", "-c", reserve)
	if o.Status != runtime.StatusOK || o.stdout != "reserved\n" {
		t.Errorf("status %s\n%s%s", o.Status, o.stdout, o.stderr)
	}
}

func TestAProgramUnderAddressSanitizerRuns(t *testing.T) {
	requireSandbox(t)
	testhost.Need(t, "gcc")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "p.c")
	if err := os.WriteFile(source, []byte("#include <stdlib.h>\nint main(void) { char *p = malloc(9); p[0] = 0; return p[0]; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-fsanitize=address", "-o", dir+"/p", source).CombinedOutput(); err != nil {
		testhost.Lacks(t, "gcc", "no AddressSanitizer: %v %s", err, out)
	}
	o := run(t, "--mount", dir+":/opt/p:ro", "--env", "ASAN_OPTIONS=detect_leaks=0", "--", "/opt/p/p")
	if o.Status != runtime.StatusOK {
		t.Errorf("status %s\n%s%s", o.Status, o.stdout, o.stderr)
	}
}
