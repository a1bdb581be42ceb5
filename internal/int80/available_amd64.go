package int80

import (
	"runtime/debug"
	"sync"
	"testing"
)

const getpid = 20 // i386

// available reports whether this kernel has the entry. Without IA32 emulation (CONFIG_IA32_EMULATION,
// or ia32_emulation=0 on the kernel's command line, Linux ≥ 6.7) the instruction faults.
var available = sync.OnceValue(func() (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	Call(getpid, 0, 0, 0)
	return
})

// Require skips the test, with the reason, where the kernel has no IA32 emulation.
func Require(tb testing.TB) {
	tb.Helper()
	if !available() {
		tb.Skip("this kernel has no IA32 emulation: int $0x80 faults, without a sandbox too")
	}
}
