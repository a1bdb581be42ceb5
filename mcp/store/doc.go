// Package store keeps the operator's allowlist in an SQLite file, with a log of every change.
//
//	s, err := store.Open(path)                                   // creates it if it is missing
//	defer s.Close()
//	add := func(now []access.Rule) ([]access.Rule, error) { return append(now, rule), nil }
//	entry, err := s.Update(ctx, store.Author{User: "ada"}, "add", false, add)
//	list, err := store.Follow(ctx, path, &server)  // an access.Allowlist: changes apply at once
//
// # Tables
//
//	log    seq │ time │ operator │ acting │ action │ changes │ prev │ hash    append-only
//	rules  id │ body                                                         rules in force
//
// A change is one transaction. It adds an entry to the log, with each changed rule before and
// after, and it updates the rules. The hash of an entry is SHA-256 over its fields and the hash of
// the previous entry. A reader first checks the chain, replays the log and compares the result with
// the rules. A store that fails this check is refused, and a proxy that uses it allows nothing.
//
// # Concurrency and crashes
//
// Writers wait for each other (SQLite's lock, at most ten seconds). The journal is a rollback
// journal: a commit ends with its removal. A running proxy watches the folder with inotify, so it
// sees the removal after the change is visible. It also looks every two seconds, for file systems
// without inotify events. If a writer is killed, its journal stays and the next reader rolls back:
// an import is complete, or it did not happen.
//
// # What it does not protect
//
// The chain has no secret. A user who can write the file can cut off the newest entries, or compute
// a new chain. To detect that, keep the head that Verify returns in another place, and pass it to
// the next Verify. mcpbox mcp --audit does: see audit.Witness.
// A store is refused if other users may write its file or folder. The operator is
// the account of the process; the name given with --as is not checked.
//
// Kernel: inotify. Needs cgo. Sources: SQLite's documentation of locking, of the pragmas
// data_version and synchronous, and of the file format.
package store
