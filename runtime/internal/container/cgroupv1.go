package container

import (
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/opencontainers/cgroups"
)

// On a host that is not purely cgroup v2, libcontainer's manager would create a
// v1 cgroup in every hierarchy, although this configuration limits nothing
// through it. There is no option against that, so its list of v1 subsystems is
// emptied. See docs/RATIONALE.md, "No cgroup v1".
//
//go:linkname v1Subsystems github.com/opencontainers/cgroups/fs.subsystems
var v1Subsystems []interface{ Name() string }

// Where no cgroup file system is mounted, the same manager fails although it has nothing to do: it
// looks for the place first, and believes this variable.
//
//go:linkname v1Root github.com/opencontainers/cgroups/fs.cgroupRoot
var v1Root string

var leaveV1Alone = sync.OnceFunc(func() {
	if !cgroups.IsCgroup2UnifiedMode() {
		v1Subsystems, v1Root = nil, "/sys/fs/cgroup"
	}
})
