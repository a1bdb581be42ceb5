// Package state keeps the folders of running sandboxes, one a sandbox, with a lock that lives as
// long as its supervisor. What a killed supervisor leaves is found by its free lock and removed.
//
//	dir, err := state.Dir("")
//	lock, err := state.Claim(dir, state.NewID())
//	removed, err := state.Collect(dir)
//
// flock(2), any Linux.
package state
