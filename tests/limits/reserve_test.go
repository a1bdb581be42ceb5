package limits

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/runtime"
)

// The memory limit counts used memory, not reserved memory: sparse arrays, virtual machines and
// sanitizers reserve terabytes.
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
	if err := os.WriteFile(source,
		[]byte("#include <stdlib.h>\n"+
			"int main(void) { char *p = malloc(9); p[0] = 0; return p[0]; }\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-fsanitize=address", "-o", dir+"/p",
		source).CombinedOutput(); err != nil {
		testhost.Lacks(t, "gcc", "no AddressSanitizer: %v %s", err, out)
	}
	o := run(t, "--mount", dir+":/opt/p:ro", "--env", "ASAN_OPTIONS=detect_leaks=0",
		"--", "/opt/p/p")
	if o.Status != runtime.StatusOK {
		t.Errorf("status %s\n%s%s", o.Status, o.stdout, o.stderr)
	}
}

// A language runtime derives the size of its heap from the limit, not from the machine's memory. A
// program with 40 MB of live data can make more garbage than the limit. Without a cgroup the
// runtime reads the limit in a variable.
func TestLanguageRuntimesKnowTheMemoryLimit(t *testing.T) {
	requireSandbox(t)
	const limit = 512 * mib
	for name, command := range map[string][]string{
		"java": {"java", "/opt/p/G.java"},
		"node": {"node", "-e", `let live = [], sum = 0;
			for (let i = 0; i < 40; i++) live.push(new Array(1 << 17).fill(i));
			for (let i = 0; i < 800; i++) sum += new Array(1 << 17).fill(i).length;
			console.log(sum > 0 && live.length, v8.getHeapStatistics().heap_size_limit)`},
	} {
		t.Run(name, func(t *testing.T) {
			testhost.Need(t, name)
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "G.java"), []byte(garbage),
				0o644); err != nil {
				t.Fatal(err)
			}
			o := run(t, append([]string{"--mount", dir + ":/opt/p:ro", "--memory", "512MiB",
				"--timeout", "120s", "--"}, command...)...)
			var live, heap int
			if _, err := fmt.Sscan(o.stdout, &live, &heap); err != nil ||
				o.Status != runtime.StatusOK {
				t.Fatalf("status %s, %v\n%s%s", o.Status, err, o.stdout, o.stderr)
			}
			if live != 40 || heap > limit {
				t.Errorf("the heap may grow to %d bytes, the limit is %d", heap, limit)
			}
		})
	}
}

const garbage = `public class G {
	public static void main(String[] a) {
		var live = new java.util.ArrayList<byte[]>();
		for (int i = 0; i < 40; i++) live.add(new byte[1 << 20]);
		long sum = 0;
		for (int i = 0; i < 800; i++) sum += new byte[1 << 20].length;
		System.out.println(live.size() + " " + Runtime.getRuntime().maxMemory());
	}
}
`

func TestProgramsCountAsManyProcessorsAsTheLimitAllows(t *testing.T) {
	b := requireSandbox(t)
	o := run(t, "--cpus", "1", "--env", "JAVA_TOOL_OPTIONS=", "--", "sh", "-c",
		`nproc; echo "$OMP_NUM_THREADS,$JAVA_TOOL_OPTIONS,$NODE_OPTIONS"`)
	want := "1\n1,,--max-old-space-size=307\n"
	if b == "cgroup2" {
		want = o.stdout[:strings.Index(o.stdout, "\n")+1] +
			"1,,\n" // runtimes read the cgroup's limits themselves
	}
	if o.stdout != want {
		t.Errorf("%q, want %q", o.stdout, want)
	}
}
