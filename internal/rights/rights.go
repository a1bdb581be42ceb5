// Package rights finds out how this process may start a sandbox. Capabilities and the map of ids
// decide whether it counts as root, not uid 0: root in a container, or in unshare -r, often lacks
// what a start as root needs. Then mcpbox starts the sandbox as for an ordinary user.
//
//	if rights.Root() { … }
//
// capabilities(7), user_namespaces(7)
package rights

import (
	"bytes"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// needed lists the capabilities for a start as root: for mounts with mapped owners, another
// process's namespaces, ids of a range, and files of any owner.
var needed = [...]struct {
	name string
	bit  int
}{
	{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}, {"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE},
	{"CAP_SETUID", unix.CAP_SETUID}, {"CAP_SETGID", unix.CAP_SETGID},
	{"CAP_CHOWN", unix.CAP_CHOWN}, {"CAP_DAC_OVERRIDE", unix.CAP_DAC_OVERRIDE},
	{"CAP_FOWNER", unix.CAP_FOWNER}, {"CAP_KILL", unix.CAP_KILL},
}

// Root reports whether this process can start a sandbox as root: it needs all these capabilities,
// in a user namespace that has all ids.
var Root = sync.OnceValue(func() bool {
	return os.Geteuid() == 0 && len(Missing()) == 0 && AllIDs()
})

// Missing returns the capabilities for a start as root that this process lacks.
func Missing() (names []string) {
	have := effective()
	for _, c := range needed {
		if have>>c.bit&1 == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// MapsIDs reports whether this process may map ids other than its own into a new user namespace.
func MapsIDs() bool {
	have := effective()
	return have>>unix.CAP_SETUID&1 == 1 && have>>unix.CAP_SETGID&1 == 1
}

// effective returns this thread's effective capabilities, or 0 on an error. capget(2)
func effective() uint64 {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if unix.Capget(&h, &d[0]) != nil {
		return 0
	}
	return uint64(d[1].Effective)<<32 | uint64(d[0].Effective)
}

// AllIDs reports whether all ids here are the same as on the machine.
func AllIDs() bool {
	for _, path := range []string{"/proc/self/uid_map", "/proc/self/gid_map"} {
		data, err := os.ReadFile(path)
		if err != nil { // without /proc nothing starts anyway
			return false
		}
		f := strings.Fields(string(bytes.TrimSpace(data)))
		if len(f) != 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295" {
			return false
		}
	}
	return true
}
