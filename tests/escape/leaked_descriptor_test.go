package escape

import (
	"os"
	"path/filepath"
	"testing"
)

// CVE-2024-21626 began with a descriptor that the launcher had left open.
func TestCannotUseADescriptorThatItsCallerHadOpen(t *testing.T) {
	path := secretFile(t)
	for _, what := range []string{path, filepath.Dir(path)} {
		f := open(t, what, os.O_RDONLY)
		t.Cleanup(func() { f.Close() })
		t.Run(filepath.Base(what), func(t *testing.T) {
			hold(t, claim{
				attack: `
	struct stat st;
	for (int fd = 3; fd < 32; fd++)
		if (fstat(fd, &st) == 0) return;
	refused("fstat");`,
				extra: []*os.File{f},
			})
		})
	}
}
