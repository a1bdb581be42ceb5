// Package store remembers executions in an SQLite file: for statistics, for a history, and to look
// at an old one.
//
//	s, err := store.Open(path) // or store.DefaultPath()
//	err = s.Add(ctx, store.Execution{ID: res.ExecutionID, …})
//	stats, err := s.Stats(ctx, time.Time{})
//	list, err := s.List(ctx, 20)
//	one, err := s.Get(ctx, id)
//
// What a program was is kept as a SHA-256; the program and its output only if the caller adds them.
// Old executions are removed by age and size. Several processes may write at the same time.
//
// It is a convenience: a store that is full, locked or damaged is an error that callers report and
// go on after. Nothing in it is proof of anything: whoever may write the file may change it.
// mcp/store is the one with a chained history.
//
// Without a write-ahead log's shared memory (some network file systems) opening fails.
// sqlite.org/wal.html
package store
