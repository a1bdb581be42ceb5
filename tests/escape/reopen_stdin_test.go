package escape

import (
	"os"
	"testing"
)

// A descriptor for reading is no permission to write: the link in /proc opens the file anew.
func TestCannotReopenItsStdinForWriting(t *testing.T) {
	path := secretFile(t)
	hold(t, claim{
		attack: `TRY(open("/proc/self/fd/0", O_WRONLY));`,
		stdin:  func(t *testing.T) *os.File { return open(t, path, os.O_RDONLY) },
		events: []string{"openat"}, silent: []string{"basic", "standard", "strict"},
	})
}
