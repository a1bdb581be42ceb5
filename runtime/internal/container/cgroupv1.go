package container

import (
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/opencontainers/cgroups"
)

// On a host that is not purely cgroup v2, libcontainer's manager would create a v1 cgroup in every
// hierarchy, although this configuration limits nothing through it. No option turns that off, so
// mcpbox empties its list of v1 subsystems. See docs/RATIONALE.md, "go:linkname".
//
//go:linkname v1Subsystems github.com/opencontainers/cgroups/fs.subsystems
var v1Subsystems []interface{ Name() string }

// If no cgroup file system is mounted, the same manager fails although it has nothing to do: it
// searches the mount first, unless this variable is set.
//
//go:linkname v1Root github.com/opencontainers/cgroups/fs.cgroupRoot
var v1Root string

var leaveV1Alone = sync.OnceFunc(func() {
	if !cgroups.IsCgroup2UnifiedMode() {
		v1Subsystems, v1Root = nil, "/sys/fs/cgroup"
	}
})
