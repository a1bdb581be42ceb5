package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// sharedKeyring joins this thread, and so the sandbox that it starts, to an empty session keyring:
// the caller's own may have secrets. All sandboxes of a user share it, except those whose tools may
// use keys. The first one makes it. It is found by its name, which needs the permission to search
// it. keyrings(7), keyctl(2)
func sharedKeyring(cfg Config) error {
	const (
		possessorAll                       = 0x3f000000
		userView, userRead, userSearchLink = 0x00010000, 0x00020000, 0x00180000
	)
	if cfg.OwnKeyring {
		return nil // libcontainer makes one
	}
	id, err := unix.KeyctlJoinSessionKeyring("mcpbox")
	if err == unix.ENOSYS { // a kernel without keys
		return nil
	}
	if err == nil {
		err = unix.KeyctlSetperm(id, possessorAll|userView|userRead|userSearchLink)
	}
	return os.NewSyscallError("keyctl", err)
}
