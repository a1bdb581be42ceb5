package rootfs

import (
	"os"
	"path/filepath"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// folder uses a rootfs folder (debootstrap, an unpacked image) instead of the host's /usr and /etc.
// Its top-level entries are bound one by one into the empty tmpfs, so the folder needs no mount
// points and is never written.
func (b *builder) folder(root string) error {
	st, err := os.Stat(root)
	if err != nil {
		return hint.Errorf("give the folder of an unpacked root file system", "rootfs %s: %w", root,
			err)
	}
	if !st.IsDir() {
		return hint.Errorf("give a folder, not an image or an archive", "rootfs %s is not a "+
			"folder", root)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return hint.Errorf("the folder must be readable by the user that runs mcpbox",
			"rootfs %s: %w", root, err)
	}
	var usable bool
	for _, e := range entries {
		switch e.Name() {
		case "proc", "sys", "dev", "tmp", "run", "work", "mnt", "media", "home", "boot", "root",
			"lost+found":
			continue // made by mcpbox, or not needed by tools
		case "usr", "bin":
			usable = true
		}
		b.topEntry(filepath.Join(root, e.Name()), "/"+e.Name())
	}
	if !usable {
		return hint.Errorf("it must hold an unpacked root file system, with /usr or /bin",
			"rootfs %s has neither usr nor bin", root)
	}
	return nil
}
