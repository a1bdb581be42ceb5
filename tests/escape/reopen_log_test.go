package escape

import (
	"os"
	"testing"
)

func TestCannotReadBackAFileThatItWasGivenToWrite(t *testing.T) {
	path := secretFile(t)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	hold(t, claim{
		attack: `TRY(open("/proc/self/fd/0", O_RDONLY));`,
		stdin:  func(t *testing.T) *os.File { return open(t, path, os.O_WRONLY|os.O_APPEND) },
	})
}
