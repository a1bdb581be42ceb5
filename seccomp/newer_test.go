package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/kernel"
)

func TestACallThatTheKernelLacksFailsAsWithoutAFilter(t *testing.T) {
	for _, c := range []struct {
		release string
		nr      int
		want    bool
	}{
		{"6.18.44", 470, true}, {"6.19.0", 470, false}, {"6.18.0", 469, false},
		{"5.10.0", 441, true}, {"5.10.0", 440, false}, {"5.15.0", 448, false},
		{"5.15.0", 449, true}, {"6.18.0", 59, false},
	} {
		v, err := kernel.Parse(c.release)
		if err != nil {
			t.Fatal(err)
		}
		if got := newerThan(v, c.nr); got != c.want {
			t.Errorf("Linux %s lacks %d: %v, want %v", c.release, c.nr, got, c.want)
		}
	}
}

// The test compares the table with the running kernel: without a filter, exactly the calls that the
// kernel lacks fail with ENOSYS. The calls have invalid arguments.
func TestTheTableOfFirstNumbersMatchesTheKernel(t *testing.T) {
	for _, nr := range []int{441, 442, 447, 448, 450, 451, 454, 457, 462, 463, 467, 470} {
		const bad = ^uintptr(0)
		_, _, errno := unix.RawSyscall6(uintptr(nr), bad, bad, bad, bad, bad, bad)
		// In a container, the answer may be EPERM.
		if newerThan(thisKernel(), nr) && errno != unix.ENOSYS && errno != unix.EPERM {
			t.Errorf("call %d: %v, and the table says that this kernel has none", nr, errno)
		}
	}
}
