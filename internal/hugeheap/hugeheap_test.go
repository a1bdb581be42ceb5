package hugeheap_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	_ "github.com/mcpbox/mcpbox/internal/hugeheap"
	"github.com/mcpbox/mcpbox/internal/testhost"
)

func TestHeapIsAdvised(t *testing.T) {
	object := new([1 << 16]byte)
	flags := flagsOf(t, uintptr(unsafe.Pointer(object)))
	runtime.KeepAlive(object)
	if !slices.Contains(flags, "hg") {
		t.Errorf("the mapping of a heap object has the flags %v, without hg (MADV_HUGEPAGE)", flags)
	}
}

// flagsOf reads VmFlags of the mapping that contains an address. proc_pid_smaps(5)
func flagsOf(t *testing.T, address uintptr) []string {
	t.Helper()
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		testhost.Lacks(t, "hugepages", "%v", err)
	}
	data, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(data)) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			inside = from <= address && address < to
		}
		if rest, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return strings.Fields(rest)
		}
	}
	t.Fatalf("no mapping has %#x", address)
	return nil
}
