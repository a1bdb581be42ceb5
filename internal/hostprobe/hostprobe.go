// Package hostprobe tells tests whether this host forbids sandboxes: the one reason for which a test that needs one may
// be skipped. It asks the kernel by way of unshare(1), not mcpbox: a mcpbox that could start no sandbox would
// otherwise skip the very tests that are to find that out.
//
//	hostprobe.Require(t)
package hostprobe

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// Forbidden is nil where namespaces of every kind that a sandbox has can be made, and a /proc mounted in them; else the reason.
var Forbidden = sync.OnceValue(func() error {
	out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--net", "--ipc", "--uts", "--mount-proc", "true").CombinedOutput()
	if err != nil {
		return fmt.Errorf("this host forbids sandboxes (mcpbox doctor says why): unshare: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
})

// Require skips the test, with the reason, where the host forbids sandboxes.
func Require(tb testing.TB) {
	tb.Helper()
	if err := Forbidden(); err != nil {
		tb.Skip(err)
	}
}
