package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
)

// Removed is something that a killed mcpbox had left behind.
type Removed struct {
	Kind string // "state" or "cgroup"
	ID   string // of the sandbox
}

// CollectAll removes the state folders and the cgroups of sandboxes whose supervisor was killed.
func CollectAll(ctx context.Context) (removed []Removed, err error) {
	ids, err := Collect()
	for _, id := range ids {
		removed = append(removed, Removed{"state", id})
	}
	parent, none := cgroups.Find(ctx, cgroups.Options{NoScope: true}) // systemd removes empty scopes itself
	if none != nil {
		return removed, err // no cgroups here, so none left
	}
	ids, err2 := parent.Collect(ctx)
	for _, id := range ids {
		removed = append(removed, Removed{"cgroup", id})
	}
	return removed, errors.Join(err, err2)
}

// Collect removes the state folders of sandboxes whose supervisor was killed, and returns their ids.
func Collect() ([]string, error) {
	state, err := StateDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(state, "locks"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, e := range entries {
		path := filepath.Join(state, "locks", e.Name())
		f, err := lockFile(path, 0, unix.LOCK_NB)
		if err != nil {
			continue // it lives, or is gone already
		}
		// Not if another collector was here first: by that name there may be a living one's lock now.
		if isAt(f, path) && os.RemoveAll(filepath.Join(state, e.Name())) == nil {
			os.Remove(path)
			removed = append(removed, e.Name())
		}
		f.Close()
	}
	return removed, nil
}
