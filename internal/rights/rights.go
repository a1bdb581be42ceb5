// Package rights says what this process may do where it starts a sandbox. Who is root is decided by
// capabilities and by the map of ids, not by uid 0: root of a container, or of unshare -r, often
// lacks what a start as root needs, and then takes an ordinary user's way.
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

// needed are the capabilities of a start as root: mounts with mapped owners, another process's
// namespaces, ids of a range, files of any owner.
var needed = [...]struct {
	name string
	bit  int
}{
	{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}, {"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE},
	{"CAP_SETUID", unix.CAP_SETUID}, {"CAP_SETGID", unix.CAP_SETGID},
	{"CAP_CHOWN", unix.CAP_CHOWN}, {"CAP_DAC_OVERRIDE", unix.CAP_DAC_OVERRIDE},
	{"CAP_FOWNER", unix.CAP_FOWNER}, {"CAP_KILL", unix.CAP_KILL},
}

// Root reports whether a sandbox can be started as root: with all the capabilities that this needs,
// in a user namespace that has all ids.
var Root = sync.OnceValue(func() bool {
	return os.Geteuid() == 0 && len(Missing()) == 0 && AllIDs()
})

// Missing names the capabilities that a start as root needs and this process lacks.
func Missing() (names []string) {
	have := effective()
	for _, c := range needed {
		if have>>c.bit&1 == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// MapsIDs reports whether this process may give a new user namespace ids other than its own.
func MapsIDs() bool {
	have := effective()
	return have>>unix.CAP_SETUID&1 == 1 && have>>unix.CAP_SETGID&1 == 1
}

// effective are this thread's effective capabilities, 0 if the kernel doesn't say. capget(2)
func effective() uint64 {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if unix.Capget(&h, &d[0]) != nil {
		return 0
	}
	return uint64(d[1].Effective)<<32 | uint64(d[0].Effective)
}

// AllIDs reports whether uid 0 here is uid 0 of the machine, and so are all other ids.
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
