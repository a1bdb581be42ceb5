package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/sqlite"
)

// What is kept at most.
const (
	MaxAge   = 30 * 24 * time.Hour
	MaxBytes = 64 << 20
)

// busyTime is how long a run waits for another one's writing.
const busyTime = "1000"

// Store is an open file. Its methods may be called from several goroutines.
type Store struct {
	db   *sql.DB
	path string
}

// Execution is one run. Result is JSON, as `mcpbox report` reads it.
type Execution struct {
	ID       string         `json:"execution_id"`
	Time     time.Time      `json:"time"`
	Tool     string         `json:"tool"` // what asked for it: code, run_code, secure_sandbox
	Language string         `json:"language"`
	Policy   string         `json:"policy"`
	Status   string         `json:"status"`
	ExitCode int            `json:"exit_code"`
	Took     time.Duration  `json:"-"`
	CPU      time.Duration  `json:"-"`
	Memory   int64          `json:"memory_used"` // bytes, -1 unknown
	Risk     string         `json:"risk"`
	SHA256   string         `json:"code_sha256"`
	Events   map[string]int `json:"-"` // by type
	Result   []byte         `json:"-"`
	Code     []byte         `json:"-"` // nil: not kept
}

// ErrNotFound: there is no such execution.
var ErrNotFound = errors.New("no such execution")

// DefaultPath is where executions lie unless another file is named.
func DefaultPath() (string, error) {
	path, err := datadir.Path("executions.db")
	if err != nil {
		return "", hint.Errorf("give it with --store FILE", "execution store: %w", err)
	}
	return path, nil
}

// Open opens the store at path and makes it if there is none, for its owner alone.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, hint.Errorf("name another file with --store",
			"make the folder of the execution store: %w", err)
	}
	if err := sqlite.Create(path); err != nil {
		return nil, hint.Errorf("name another file with --store", "make the execution store: %w",
			err)
	}
	return open(path)
}

// OpenExisting opens a store to read it; one that isn't there is os.ErrNotExist.
func OpenExisting(path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, hint.Errorf(
			"`mcpbox code` makes one; --store names another",
			"execution store: %w",
			err,
		)
	}
	return open(path)
}

func open(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite keeps its log next to the resolved file.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("execution store: %w", err)
	}
	if err := sqlite.Private(path, "execution store"); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path, 1, sqlite.Options{"_busy_timeout": busyTime,
		"_journal_mode": "WAL",
		"_synchronous":  "NORMAL", "_auto_vacuum": "incremental", "_cell_size_check": "1",
		"_txlock": "immediate"})
	if err != nil {
		return nil, fmt.Errorf("open the execution store: %w", err)
	}
	s := &Store{db: db, path: path}
	if err := s.initialise(); err != nil {
		db.Close()
		return nil, s.readable(err)
	}
	return s, nil
}

const version = 1

const schema = `
CREATE TABLE IF NOT EXISTS executions (
  id TEXT PRIMARY KEY, time INTEGER NOT NULL, tool TEXT NOT NULL, language TEXT NOT NULL,
  policy TEXT NOT NULL, status TEXT NOT NULL, exit_code INTEGER NOT NULL, took INTEGER NOT NULL,
  cpu INTEGER NOT NULL, memory INTEGER NOT NULL, risk TEXT NOT NULL, sha256 TEXT NOT NULL,
  result BLOB NOT NULL, code BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS by_time ON executions(time);
CREATE TABLE IF NOT EXISTS events (
  execution TEXT NOT NULL REFERENCES executions(id) ON DELETE CASCADE,
  type TEXT NOT NULL, count INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS by_execution ON events(execution);
`

func (s *Store) initialise() error {
	var found int
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&found); err != nil {
		return err
	}
	switch {
	case found == version:
		return nil
	case found > version:
		return hint.Errorf("use the mcpbox that wrote it, or name another file with --store",
			"it is of a later version (%d)", found)
	}
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(schema); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// readable says what SQLite's codes mean here.
func (s *Store) readable(err error) error {
	var e sqlite3.Error
	if err == nil || !errors.As(err, &e) {
		if err != nil {
			err = hint.Wrap(fmt.Errorf("execution store %s: %w", s.path, err), hint.Of(err))
		}
		return err
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return hint.Errorf("try again",
			"execution store %s: another process has been writing to it for a second", s.path)
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
		return hint.Errorf("remove it: it holds statistics and history only",
			"execution store %s is damaged: %w", s.path, err)
	case sqlite3.ErrFull, sqlite3.ErrIoErr:
		return hint.Errorf("make room on its disk, or use --no-store", "execution store %s: %w",
			s.path, err)
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return hint.Errorf("the file and its folder must be writable for you; or use --no-store",
			"execution store %s: %w", s.path, err)
	}
	return fmt.Errorf("execution store %s: %w", s.path, err)
}

// Add writes one execution, and now and then removes old ones.
func (s *Store) Add(ctx context.Context, e Execution) error { return s.readable(s.add(ctx, e)) }

func (s *Store) add(ctx context.Context, e Execution) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "INSERT INTO executions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		e.ID, e.Time.UnixMicro(), e.Tool, e.Language, e.Policy, e.Status, e.ExitCode,
		e.Took.Microseconds(), e.CPU.Microseconds(), e.Memory, e.Risk, e.SHA256, e.Result, e.Code)
	if err != nil {
		return err
	}
	for kind, n := range e.Events {
		if _, err := tx.ExecContext(
			ctx,
			"INSERT INTO events VALUES (?,?,?)",
			e.ID,
			kind,
			n,
		); err != nil {
			return err
		}
	}
	if err := prune(ctx, tx, time.Now().Add(-MaxAge), MaxBytes); err != nil {
		return err
	}
	return tx.Commit()
}

// prune removes what is too old, and while the file is too large, the oldest tenth.
func prune(ctx context.Context, tx *sql.Tx, before time.Time, most int64) error {
	remove := func(where string, args ...any) error {
		for _, statement := range []string{"DELETE FROM events WHERE execution IN (SELECT id " +
			"FROM executions " + where + ")",
			"DELETE FROM executions WHERE id IN (SELECT id FROM executions " + where + ")"} {
			if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
				return err
			}
		}
		return nil
	}
	if err := remove("WHERE time < ?", before.UnixMicro()); err != nil {
		return err
	}
	for range 20 {
		var used int64
		const bytes = "SELECT (p.page_count - f.freelist_count) * s.page_size FROM " +
			"pragma_page_count p, pragma_freelist_count f, pragma_page_size s"
		if err := tx.QueryRowContext(ctx, bytes).Scan(&used); err != nil || used <= most {
			return err
		}
		if err := remove(
			"ORDER BY time LIMIT (SELECT count(*) / 10 + 1 FROM executions)",
		); err != nil {
			return err
		}
	}
	return nil
}
