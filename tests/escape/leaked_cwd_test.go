package escape

import (
	"path/filepath"
	"testing"
)

// CVE-2024-21626: a working directory outside the root.
func TestCannotReachTheHostThroughItsWorkingDirectory(t *testing.T) {
	path := secretFile(t)
	hold(t, claim{
		attack: `
	TRY(open(argv[1], O_RDONLY));`,
		args: []string{"/proc/self/cwd/secret"}, dir: filepath.Dir(path),
	})
}
