package int80

import (
	"runtime/debug"
	"sync"
)

const getpid = 20 // i386

// Available reports whether this kernel has the entry. Without IA32 emulation
// (CONFIG_IA32_EMULATION, or ia32_emulation=0 on the kernel's command line, Linux ≥ 6.7) the
// instruction faults.
var Available = sync.OnceValue(func() (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	Call(getpid, 0, 0, 0)
	return
})
