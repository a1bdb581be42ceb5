package escape

import (
	"os"
	"path/filepath"
	"testing"
)

// A folder as stdin is a handle on the host's tree: ".." leads on from there, past the sandbox's
// root.
func TestCannotClimbFromAFolderThatIsItsStdin(t *testing.T) {
	path := secretFile(t)
	hold(t, claim{
		attack: `
	TRY(openat(0, argv[1], O_RDONLY));`,
		args:  []string{"../" + filepath.Base(filepath.Dir(path)) + "/secret"},
		stdin: func(t *testing.T) *os.File { return open(t, filepath.Dir(path), os.O_RDONLY) },
		ends:  "setup_error",
	})
}

func TestCannotLookAtTheHostFromAFolderThatIsItsStdin(t *testing.T) {
	path := secretFile(t)
	hold(t, claim{
		attack: `
	struct stat st;
	TRY(fstatat(0, argv[1], &st, 0));`,
		args:  []string{"../" + filepath.Base(filepath.Dir(path)) + "/secret"},
		stdin: func(t *testing.T) *os.File { return open(t, filepath.Dir(path), os.O_RDONLY) },
		ends:  "setup_error",
	})
}
