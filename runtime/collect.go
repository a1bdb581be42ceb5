package runtime

import (
	"context"
	"errors"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
)

// StateDir returns the folder for the state of this user's sandboxes. It creates the folder if it
// is missing.
func StateDir() (string, error) { return state.Dir("") }

// Removed names something that a killed supervisor had left behind.
type Removed struct {
	Kind string `json:"kind"` // state, cgroup, or socket of a resident
	ID   string `json:"id"`   // of the sandbox, or the socket's name
}

// Collect removes the state folders and the cgroups of sandboxes whose supervisor was killed.
func Collect(ctx context.Context) (removed []Removed, err error) {
	dir, err := state.Dir("")
	if err != nil {
		return nil, err
	}
	ids, err := state.Collect(dir)
	for _, id := range ids {
		removed = append(removed, Removed{"state", id})
	}
	parent, none := cgroups.Find(ctx,
		cgroups.Options{NoScope: true}) // systemd removes empty scopes itself
	if none != nil {
		return removed, err // no cgroups here, so none left
	}
	ids, err2 := parent.Collect(ctx)
	for _, id := range ids {
		removed = append(removed, Removed{"cgroup", id})
	}
	return removed, errors.Join(err, err2)
}
