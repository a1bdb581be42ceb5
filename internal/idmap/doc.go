// Package idmap chooses the user and group ids of a sandbox. Only this package reads subuid(5),
// subgid(5) and passwd(5), both for a start and for `mcpbox doctor`.
//
//	ids, lock, err := idmap.ForRoot(stateDir) // a private range, locked until lock is closed
//	ids := idmap.ForUser(false)               // a subordinate range, or the caller's own id
//
// Not protected: an account that is given an id range after the sandbox has taken it.
//
// Linux ≥ 3.15 (OFD locks), 4.15 for maps of more than five lines. user_namespaces(7), newuidmap(1)
package idmap
