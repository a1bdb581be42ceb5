package verify

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// Rlimits returns an error unless the process has these resource limits. prlimit(2)
func Rlimits(pid int, limits []initproto.Rlimit) error {
	for _, want := range limits {
		var has unix.Rlimit
		if err := unix.Prlimit(pid, want.Resource, nil, &has); err != nil {
			return fmt.Errorf("verify the resource limits: %w", os.NewSyscallError("prlimit", err))
		}
		if has.Cur != want.Soft || has.Max != want.Hard {
			return fmt.Errorf("verify the resource limits: RLIMIT number %d is %d, not %d",
				want.Resource, has.Cur, want.Soft)
		}
	}
	return nil
}
