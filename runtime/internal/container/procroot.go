package container

import (
	"sync"
	_ "unsafe" // for go:linkname
)

// To read its child's start time, libcontainer mounts a /proc of its own, which this process would hold for the rest of
// its life: a superblock more a supervisor, and an RCU grace period (a millisecond) at its exit. In this process the
// host's /proc is as good, and it is what an ordinary user gets anyway; in libcontainer's init, where the container's
// mounts are being made, nothing changes. See docs/RATIONALE.md, "go:linkname"s.
//
//go:linkname hasNewMountAPI github.com/cyphar/filepath-securejoin/pathrs-lite/internal/linux.HasNewMountAPI
var hasNewMountAPI func() bool

// Once: sandboxes may start beside each other, and libcontainer reads it.
var useHostProc = sync.OnceFunc(func() { hasNewMountAPI = func() bool { return false } })
