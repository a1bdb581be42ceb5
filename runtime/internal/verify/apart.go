package verify

import (
	"fmt"
	"os"
	"strconv"
)

// links maps a plan's namespaces to their names in /proc/PID/ns. namespaces(7)
var links = map[string]string{"user": "user", "mount": "mnt", "pid": "pid", "ipc": "ipc", "uts": "uts",
	"net": "net", "cgroup": "cgroup"}

// Apart returns an error unless the process has its own namespaces of all these kinds, different
// from those of other, the sandbox's PID 1. Layers alone can't distinguish the sandbox's namespaces
// from the program's.
func Apart(pid, other int, kinds []string) error {
	for _, kind := range kinds {
		link := "/ns/" + links[kind]
		its, err := os.Readlink("/proc/" + strconv.Itoa(pid) + link)
		if err != nil {
			return fmt.Errorf("verify the %s namespace: %w", kind, err)
		}
		others, err := os.Readlink("/proc/" + strconv.Itoa(other) + link)
		if err != nil {
			return fmt.Errorf("verify the %s namespace: %w", kind, err)
		}
		if its == others {
			return fmt.Errorf("the program has no %s namespace of its own", kind)
		}
	}
	return nil
}
