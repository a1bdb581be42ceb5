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
			continue // it lives, or is gone already
		}
		// Not if another collector was here first: that name may be a living sandbox's by now.
		if isAt(f, path) && os.RemoveAll(filepath.Join(dir, e.Name())) == nil {
			os.Remove(path)
			removed = append(removed, e.Name())
		}
		f.Close()
	}
	return removed, nil
}
