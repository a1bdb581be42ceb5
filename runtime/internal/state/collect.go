package state

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Collect removes the folders of sandboxes whose supervisor was killed, and returns their ids.
func Collect(dir string) (removed []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, "locks"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, "locks", e.Name())
		f, err := lockFile(path, 0, unix.LOCK_NB)
		if err != nil {
			continue // the sandbox runs, or its folder was removed
		}
		// Not if another collector was faster: then this name may belong to a running sandbox.
		if isAt(f, path) && os.RemoveAll(filepath.Join(dir, e.Name())) == nil {
			os.Remove(path)
			removed = append(removed, e.Name())
		}
		f.Close()
	}
	return removed, nil
}
