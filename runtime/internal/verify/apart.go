package verify

import (
	"fmt"
	"os"
	"strconv"
)

// links are the names in /proc/PID/ns of a plan's namespaces. namespaces(7)
var links = map[string]string{"user": "user", "mount": "mnt", "pid": "pid", "ipc": "ipc", "uts": "uts",
	"net": "net", "cgroup": "cgroup"}

// Apart returns an error unless the process has namespaces of its own, of each kind that is named: not
// those of other, the sandbox's PID 1. Layers alone would take the sandbox's for the program's.
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
