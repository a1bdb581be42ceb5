// Package state keeps one folder for each running sandbox, with a lock that its supervisor holds.
// If a supervisor was killed, the lock is free: then the folder is found and removed.
//
//	dir, err := state.Dir("")
//	lock, err := state.Claim(dir, state.NewID())
//	removed, err := state.Collect(dir)
//
// flock(2), any Linux.
package state
