// Package landlock makes a Landlock ruleset from the paths of a rootfs plan: a second check by the
// kernel, for the same paths that are mounted. Rules and rights are go-landlock's constants;
// mcpbox-init applies them in the child.
//
//	set, abi := landlock.Rules(plan.Access, plan.Canary)   // nil where the kernel has none
//
// Not protected: access through descriptors that were already open, chdir, stat and, below ABI 3,
// truncate. Signals and abstract sockets are protected from ABI 6.
//
// Linux ≥ 5.13 (ABI 1), 5.19 (2: refer), 6.2 (3: truncate), 6.10 (5: ioctl),
// 6.12 (6: scopes). landlock(7)
package landlock

import (
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/rootfs"
)

const (
	list  = ll.AccessFSReadDir
	read  = list | ll.AccessFSReadFile | ll.AccessFSExecute
	proc  = read | ll.AccessFSWriteFile | ll.AccessFSTruncate
	dev   = proc | ll.AccessFSIoctlDev
	write = dev | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile |
		ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock |
		ll.AccessFSMakeFifo | ll.AccessFSMakeSym | ll.AccessFSRefer
	all = write | ll.AccessFSMakeChar | ll.AccessFSMakeBlock
	// A rule on a file may not name rights that only folders have.
	fileOnly = ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSReadFile |
		ll.AccessFSTruncate | ll.AccessFSIoctlDev

	scopeAbstractUnix = 1 << 0 // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	scopeSignal       = 1 << 1 // LANDLOCK_SCOPE_SIGNAL
)

// ABI returns the kernel's Landlock version, 0 where it is absent or off.
func ABI() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return v
}

// Rules builds the ruleset for the running kernel, or nil if it has no Landlock.
func Rules(access []rootfs.Access, canary string) *initproto.Landlock {
	abi := ABI()
	if abi == 0 {
		return nil
	}
	l := &initproto.Landlock{HandledFS: all & supported(abi), Canary: canary}
	if abi >= 6 {
		l.Scoped = scopeAbstractUnix | scopeSignal
	}
	for _, a := range access {
		rights := rightsOf(a.Right)
		if a.File {
			rights &= fileOnly
		}
		l.Rules = append(l.Rules, initproto.LandlockRule{Path: a.Path, Access: rights & l.HandledFS,
			Optional: true})
	}
	return l
}

// FileRights returns the rights of a rule for one file that may be opened for reading, for writing,
// or both.
func FileRights(read, write, device bool) (rights uint64) {
	if read {
		rights |= ll.AccessFSReadFile
	}
	if write {
		rights |= ll.AccessFSWriteFile | ll.AccessFSTruncate
	}
	if device {
		rights |= ll.AccessFSIoctlDev
	}
	return rights & supported(ABI())
}

// FolderRights returns the rights of a rule for a folder, in a ruleset that handles these rights.
func FolderRights(r rootfs.Right, handled uint64) uint64 { return rightsOf(r) & handled }

func rightsOf(r rootfs.Right) uint64 {
	switch r {
	case rootfs.List:
		return list
	case rootfs.Read:
		return read
	case rootfs.Proc:
		return proc
	case rootfs.Dev:
		return dev
	default:
		return write
	}
}

// supported returns the rights that this ABI knows. An older kernel refuses unknown rights.
func supported(abi int) uint64 {
	rights := uint64(all)
	if abi < 2 {
		rights &^= ll.AccessFSRefer
	}
	if abi < 3 {
		rights &^= ll.AccessFSTruncate
	}
	if abi < 5 {
		rights &^= ll.AccessFSIoctlDev
	}
	return rights
}
