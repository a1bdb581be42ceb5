package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is the usage of a process tree so far. -1 (or -1 ns) means that this kernel or backend does
// not report the value.
type Usage struct {
	CPU, CPUUser, CPUSystem time.Duration
	MemoryPeak              int64 // bytes
	MemoryCurrent           int64 // bytes
	FilePeak                int64 // bytes of mapped files, which are in no other figure; of polling
	PIDsPeak                int64 // tasks
	PIDsCurrent             int64 // tasks
	Periods                 int64 // enforcement periods of the cpu quota with runnable tasks
	ThrottledPeriods        int64
	Throttled               time.Duration // summed over CPUs
	ReadBytes, WrittenBytes int64         // of block devices
}

// UnknownUsage returns a Usage with every value missing.
func UnknownUsage() Usage {
	return Usage{unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown,
		unknown, unknown, unknown, unknown}
}

// readUsage reads the files itself. The library's Stat also reads memory.stat and the pressure
// files, and returns zeros for a removed cgroup.
func readUsage(dir string) (Usage, error) {
	u := UnknownUsage()
	stat, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return u, fmt.Errorf("usage of %s: %w", dir, err)
	}
	usec := func(key string) time.Duration {
		if n := flatKeyed(stat, key); n != unknown {
			return time.Duration(n) * time.Microsecond
		}
		return unknown
	}
	u.CPU, u.CPUUser, u.CPUSystem = usec("usage_usec"), usec("user_usec"), usec("system_usec")
	u.Periods, u.ThrottledPeriods = flatKeyed(stat, "nr_periods"), flatKeyed(stat, "nr_throttled")
	u.Throttled = usec("throttled_usec")
	u.MemoryPeak, u.MemoryCurrent = readInt(dir, "memory.peak"), readInt(dir, "memory.current")
	u.PIDsPeak, u.PIDsCurrent = readInt(dir, "pids.peak"), readInt(dir, "pids.current")
	u.ReadBytes, u.WrittenBytes = blockIO(dir)
	return u, nil
}

// blockIO sums io.stat over the devices. Without the io controller there is no such file.
func blockIO(dir string) (read, written int64) {
	fields, err := readFields(dir, "io.stat")
	if err != nil {
		return unknown, unknown
	}
	for _, f := range fields {
		key, text, _ := strings.Cut(f, "=")
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil: // the name of a device
		case key == "rbytes":
			read += n
		case key == "wbytes":
			written += n
		}
	}
	return read, written
}
