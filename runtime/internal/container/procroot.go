package container

import (
	"sync"
	_ "unsafe" // for go:linkname
)

// To read its child's start time, libcontainer mounts its own /proc, which this process would hold
// for the rest of its life. That costs a superblock for each supervisor, and an RCU grace period (a
// millisecond) at its exit. In this process the host's /proc is good enough, and an ordinary user
// gets it anyway. In libcontainer's init, which makes the container's mounts, nothing changes. See
// docs/RATIONALE.md, "go:linkname".
//
//go:linkname hasNewMountAPI github.com/cyphar/filepath-securejoin/pathrs-lite/internal/linux.HasNewMountAPI
var hasNewMountAPI func() bool

// Only once, because sandboxes may start concurrently, and libcontainer reads the variable.
var useHostProc = sync.OnceFunc(func() { hasNewMountAPI = func() bool { return false } })
