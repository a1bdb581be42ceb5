package environ

import (
	"fmt"
	"math"
)

// heapSizes tells language runtimes about the memory limit. They find a cgroup's limit themselves.
// If the watchdog enforces the limit, only these variables show it. Without them a garbage
// collector lets its heap grow far above the limit before it collects. Each variable is documented
// by its runtime.
func heapSizes(vars set, memory int64) {
	const mib = 1 << 20
	if memory < 64*mib {
		return // too little for any runtime
	}
	put := func(name, format string, n int64) { vars.put(name, fmt.Sprintf(format, n), Limit) }
	put("GOMEMLIMIT", "%dMiB", memory*8/10/mib) // a soft limit
	put("JAVA_TOOL_OPTIONS", "-Xmx%dm",
		memory/2/mib) // metaspace, code and threads need more
	put("NODE_OPTIONS", "--max-old-space-size=%d", memory*6/10/mib) // young generation, buffers
	put("DOTNET_GCHeapHardLimit", "0x%x", memory*6/10)              // as a container's 75 %
}

// threadCount tells numeric libraries, which start one thread for each CPU, about a limit of CPU
// time.
func threadCount(vars set, cpus float64) {
	if n := int(math.Ceil(cpus)); n > 0 {
		vars.put("OMP_NUM_THREADS", fmt.Sprint(n), Limit)
	}
}
