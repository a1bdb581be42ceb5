// Package state is what the daemon remembers: executions, sandboxes and security events, in SQLite.
//
//	db, err := state.Open("/var/lib/mcpbox")
//	defer db.Close()
//	err = db.SaveExecution(state.Execution{ID: id, State: "running", Body: body}, nil)
//	rows, err := db.Executions(state.Filter{Client: "uid:1000", Limit: 50})
//
// What a method has returned without an error survives the death of the daemon's process. It need
// not survive the machine's power loss: SQLite's log is not synced at each commit. One process at a
// time has the folder; a second Open fails and names the first.
//
// It does not protect from whoever may write the folder: its owner and root.
//
// Kernel: flock(2). Sources: sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous.
package state
