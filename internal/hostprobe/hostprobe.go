// Package hostprobe is the old name of testhost.Need(t, "sandbox"). It goes when its last user has.
package hostprobe

import (
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// Require skips the test, with the reason, where the host forbids sandboxes.
func Require(tb testing.TB) {
	tb.Helper()
	testhost.Need(tb, "sandbox")
}
