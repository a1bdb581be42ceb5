// Package store keeps the operator's allowlist in an SQLite file, with every change that was made
// to it.
//
//	s, err := store.Open(path)                                   // creates it if it is missing
//	defer s.Close()
//	add := func(now []access.Rule) ([]access.Rule, error) { return append(now, rule), nil }
//	entry, err := s.Update(ctx, store.Author{User: "ada"}, "add", false, add)
//	list, err := store.Follow(ctx, path, &server)  // an access.Allowlist: changes apply at once
//
// # What is in it
//
//	log    seq │ time │ operator │ acting │ action │ changes │ prev │ hash    only added to
//	rules  id │ body                                                         those in force
//
// A change is one transaction. It adds an entry to the log, with each rule before and after, and
// changes the rules. The hash of an entry is SHA-256 over its fields and the hash of the entry
// before. A reader first checks the chain, replays the log and compares the result with the rules.
// A store that fails this check is refused, and a proxy that uses it allows nothing.
//
// # Several at once, and crashes
//
// Writers wait for each other (SQLite's lock, at most ten seconds). The journal is a rollback
// journal: a commit ends with its removal. A running proxy watches the folder with inotify, so it
// sees the removal after the change is visible. It also looks every two seconds, for file systems
// without inotify events. If a writer is killed, its journal stays and the next reader rolls back:
// an import is complete, or it did not happen.
//
// # What it does not protect
//
// The chain has no secret. Whoever can write the file can cut off the newest entries, or compute a
// new chain. To notice that, keep the head that Verify returns in another place, and pass it to the
// next Verify. A store whose file or folder others may write is refused. The operator is the
// account of the process; the name given with --as is not checked.
//
// Kernel: inotify. Needs cgo. Sources: SQLite's documentation of locking, of the pragmas
// data_version and synchronous, and of the file format.
package store
