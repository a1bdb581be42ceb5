// Package store keeps the operator's allowlist in an SQLite file, with every change that was ever made to it.
//
//	s, err := store.Open(path)                                   // makes it if it isn't there
//	defer s.Close()
//	entry, err := s.Update(ctx, store.Author{User: "ada"}, "add", func(now []rules.Rule) ([]rules.Rule, error) {
//		return append(now, rule), nil
//	})
//	list, err := store.Follow(ctx, path, &launch)                // an mcp.Allowlist that picks changes up at once
//
// # What is in it
//
//	log    seq │ time │ operator │ acting │ action │ changes │ prev │ hash     never changed, never removed from
//	rules  id │ body                                                           what the log comes to
//
// A change is one transaction: an entry of the log, with each rule before and after, and the rules themselves. The hash
// of an entry is SHA-256 over its fields and the hash of the one before. Whoever reads the rules checks the whole chain
// first, replays it, and compares; a store that fails is refused, by the proxy too: it then allows nothing.
//
// # Several at once, and crashes
//
// Writers queue up (SQLite's lock, ten seconds). The journal is a rollback journal: a commit ends with its removal, which
// a watcher of the folder is told of after the change is visible, so that a running proxy needs no polling; it looks
// every two seconds all the same, for file systems that tell nothing. A killed writer leaves the journal, and
// the next reader rolls back: an import is there entirely, or not at all.
//
// # What it does not protect
//
// The chain has no secret. Who can write the file can cut the newest entries off, with some care, or compute a whole new
// chain: note the head that Verify returns elsewhere, and compare (Verify's expect). The file and its folder are therefore
// refused if others can write them. The operator's name is the user's id looked up; what they say with --as is only said.
//
// Needs cgo. Sources: SQLite's documentation of locking, of the pragmas data_version and synchronous, and of the file format.
package store
