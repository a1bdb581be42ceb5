package state

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Keep bounds what is remembered. Zero is no bound.
type Keep struct {
	Age                       time.Duration
	Executions, Events, Calls int
	Bytes                     int64 // of all together
}

// Forget removes what is older, and more, than is to be kept: the oldest first.
func (db *DB) Forget(k Keep) error {
	var errs []error
	run := func(query string, args ...any) {
		_, err := db.write.Exec(query, args...)
		errs = append(errs, err)
	}
	if k.Age > 0 {
		oldest := time.Now().Add(-k.Age).UnixMilli()
		run("DELETE FROM executions WHERE state <> 'running' AND created < ?1", oldest)
		run("DELETE FROM events WHERE time < ?1", oldest)
		run("DELETE FROM calls WHERE time < ?1", oldest)
		run("DELETE FROM sandboxes WHERE state IN ('ended', 'lost') AND created < ?1", oldest)
		run("DELETE FROM requests WHERE created < ?1", oldest)
	}
	const decided = 10_000
	for table, most := range map[string]int{"executions": k.Executions, "events": k.Events,
		"calls": k.Calls, "sandboxes": k.Executions, "requests": k.Executions,
		"proposals": decided} {
		if most > 0 {
			run("DELETE FROM " + table + " WHERE" + settled[table] +
				" seq <= (SELECT max(seq) FROM " + table + ") - " + strconv.Itoa(most))
		}
	}
	return errors.Join(append(errs, db.shrink(k.Bytes))...)
}

// settled says which rows of a table may go: what goes on stays.
var settled = map[string]string{
	"executions": " state <> 'running' AND",
	"sandboxes":  " state IN ('ended', 'lost') AND",
	"requests":   " status <> 0 AND",
	"proposals":  " state <> 'pending' AND",
}

// shrink removes the oldest tenth of everything until the rest has at most so many bytes.
func (db *DB) shrink(most int64) error {
	const rounds = 50
	for n := 0; most > 0; n++ {
		used, err := db.size()
		if err != nil || used <= most {
			return err
		}
		if n == rounds {
			return fmt.Errorf("state %s: it has %d bytes, and what can be removed was", db.folder,
				used)
		}
		for _, table := range []string{"executions", "events", "calls", "requests"} {
			_, err := db.write.Exec("DELETE FROM " + table + " WHERE" + settled[table] +
				" seq <= (SELECT min(seq) + (max(seq) - min(seq)) / 10 FROM " + table + ")")
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// size is how many bytes the tables take. Free pages of the file are used again.
func (db *DB) size() (int64, error) {
	var pages, free, size int64
	err := db.write.QueryRow(`SELECT page_count, freelist_count, page_size
FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&pages, &free, &size)
	return (pages - free) * size, err
}

// forgetLog removes from SQLite's log what was erased. While somebody reads, it stays, until the
// next time.
func (db *DB) forgetLog() error {
	var busy, frames, done int
	return db.write.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
}
