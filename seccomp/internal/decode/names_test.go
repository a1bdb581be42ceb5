package decode_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/seccomp"
	"github.com/mcpbox/mcpbox/seccomp/internal/decode"
)

// A shape with a misspelt name would never be used.
func TestShapesNameSystemCalls(t *testing.T) {
	known := map[string]bool{}
	for nr := range 512 {
		if name, ok := seccomp.SyscallName(unix.AUDIT_ARCH_X86_64, nr); ok {
			known[name] = true
		}
	}
	for _, name := range decode.Names() {
		if !known[name] {
			t.Errorf("%s is no system call", name)
		}
	}
}
