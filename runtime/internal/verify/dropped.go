package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Dropped returns an error if a thread of the process has one of the capabilities in any of its sets.
// proc_pid_status(5), capabilities(7)
func Dropped(pid int, capabilities ...uint) error {
	var wanted uint64
	for _, c := range capabilities {
		wanted |= 1 << c
	}
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/status")
	if err != nil || len(threads) == 0 {
		return fmt.Errorf("process %d can't be looked at", pid)
	}
	for _, path := range threads {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a thread that has ended
		}
		if err != nil {
			return err
		}
		status := Status(data)
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			if caps, err := strconv.ParseUint(status[set], 16, 64); err != nil || caps&wanted != 0 {
				return fmt.Errorf("mcpbox-init was to give up capabilities and has %s %q", set, status[set])
			}
		}
	}
	return nil
}
