package verify

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// links maps a plan's namespaces to their names in /proc/PID/ns. namespaces(7)
var links = map[string]string{"user": "user", "mount": "mnt", "pid": "pid", "ipc": "ipc",
	"uts": "uts", "net": "net", "cgroup": "cgroup"}

// Namespaces are a process's, by their links' names: what readlink(2) says of each.
type Namespaces map[string]string

// NamespacesOf reads them. Of a process that never changes its own, once is enough.
func NamespacesOf(pid int) (Namespaces, error) { return read("/proc/" + strconv.Itoa(pid)) }

// own are this process's. They are its main thread's: libcontainer sends another one into a
// container's, which then ends.
var own = sync.OnceValues(func() (Namespaces, error) { return read("/proc/self") })

func read(dir string) (Namespaces, error) {
	out := make(Namespaces, len(links))
	for kind, name := range links {
		link, err := os.Readlink(dir + "/ns/" + name)
		if err != nil {
			return nil, fmt.Errorf("verify the %s namespace: %w", kind, err)
		}
		out[name] = link
	}
	return out, nil
}

// Apart returns an error unless the process has its own namespaces of all these kinds, different
// from other, those of the sandbox's PID 1. Layers alone can't distinguish the sandbox's namespaces
// from the program's.
func Apart(its, other Namespaces, kinds []string) error {
	for _, kind := range kinds {
		name, known := links[kind]
		if !known || its[name] == "" || its[name] == other[name] {
			return fmt.Errorf("the program has no %s namespace of its own", kind)
		}
	}
	return nil
}
