package server

import (
	"testing"
	"time"
)

// SetPatience shortens how long the daemon waits for slow clients.
func SetPatience(t *testing.T, d time.Duration) {
	t.Helper()
	before := clientTime
	clientTime = d
	t.Cleanup(func() { clientTime = before })
}
