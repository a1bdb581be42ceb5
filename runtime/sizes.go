package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// Runtimes size their heaps by the machine's memory. Where the limit is a cgroup, they read it there; where the watchdog
// holds it, nothing in the sandbox tells of it but these variables, and a garbage collector would let its heap grow far
// above the limit before it collects. Each is the documented way of its runtime, and a variable that the policy or
// the caller sets, be it to nothing, is left alone.
func heapSizes(vars map[string]string, memory int64) {
	const mib = 1 << 20
	if memory < 64*mib {
		return // too little for any of them
	}
	vars["GOMEMLIMIT"] = fmt.Sprintf("%dMiB", memory*8/10/mib)                     // a soft limit
	vars["JAVA_TOOL_OPTIONS"] = fmt.Sprintf("-Xmx%dm", memory/2/mib)               // beside it: metaspace, code, threads
	vars["NODE_OPTIONS"] = fmt.Sprintf("--max-old-space-size=%d", memory*6/10/mib) // beside it: the young generation, buffers
	vars["DOTNET_GCHeapHardLimit"] = fmt.Sprintf("0x%x", memory*6/10)              // as a container's 75 %
}

// threadCount tells libraries of numbers, which start a thread a CPU, of a limit that is a quota of time.
func threadCount(vars map[string]string, cpus float64) {
	if n := int(math.Ceil(cpus)); n > 0 {
		vars["OMP_NUM_THREADS"] = fmt.Sprint(n)
	}
}

// confine gives the program as many CPUs as it may use, where no cgroup can hold it to a share: what counts CPUs to size
// itself (nproc, make -j, virtual machines, thread pools) then finds the limit. The program may change it back: it is
// no enforcement, and the result does not call it one. sched_setaffinity(2)
func confine(pid int, l policies.Limits) {
	want := int(math.Ceil(l.CPUs))
	var own, chosen unix.CPUSet
	if want <= 0 || unix.SchedGetaffinity(0, &own) != nil || own.Count() <= want {
		return
	}
	var all []int
	for cpu := 0; len(all) < own.Count(); cpu++ {
		if own.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	for i, first := 0, rand.IntN(len(all)); i < want; i++ { // not the same ones for every sandbox
		chosen.Set(all[(first+i)%len(all)])
	}
	_ = unix.SchedSetaffinity(pid, &chosen) // without it, the program only starts more threads than it can use
}
