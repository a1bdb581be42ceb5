package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/sqlite"
)

// DB is the open state. Its methods may be called from several goroutines.
type DB struct {
	lock   *os.File
	write  *sql.DB // one connection
	read   *sql.DB
	stmts  statements
	folder string
}

type statements struct{ execution, event, sandbox *sql.Stmt }

// form is the number of the tables' form.
const form = 1

const tables = `
CREATE TABLE IF NOT EXISTS executions (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	id      TEXT NOT NULL UNIQUE,
	state   TEXT NOT NULL,
	client  TEXT NOT NULL,
	caller  TEXT NOT NULL,
	created INTEGER NOT NULL,
	once    TEXT, -- the client's Idempotency-Key
	request TEXT NOT NULL, -- a digest of the request that came with it
	body    BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS executions_once ON executions (client, once)
	WHERE once IS NOT NULL;
CREATE TABLE IF NOT EXISTS events (
	seq       INTEGER PRIMARY KEY AUTOINCREMENT,
	id        TEXT NOT NULL UNIQUE,
	time      INTEGER NOT NULL,
	type      TEXT NOT NULL,
	severity  INTEGER NOT NULL,
	sandbox   TEXT NOT NULL,
	execution TEXT NOT NULL,
	client    TEXT NOT NULL,
	caller    TEXT NOT NULL,
	body      BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sandboxes (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	id      TEXT NOT NULL UNIQUE,
	state   TEXT NOT NULL,
	client  TEXT NOT NULL,
	created INTEGER NOT NULL,
	body    BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS proposals ( -- of changes to the allowlist
	seq    INTEGER PRIMARY KEY AUTOINCREMENT,
	id     TEXT NOT NULL UNIQUE,
	state  TEXT NOT NULL,
	client TEXT NOT NULL,
	body   BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS calls ( -- of tools, as package mcp/audit records them
	seq    INTEGER PRIMARY KEY AUTOINCREMENT,
	time   INTEGER NOT NULL,
	client TEXT NOT NULL,
	body   BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS rules ( -- of detection, that operators have added
	id   TEXT PRIMARY KEY,
	body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests ( -- that came with an Idempotency-Key
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	client  TEXT NOT NULL,
	key     TEXT NOT NULL,
	digest  TEXT NOT NULL,
	created INTEGER NOT NULL,
	status  INTEGER NOT NULL, -- of the answer; 0: there is none yet
	type    TEXT NOT NULL,
	body    BLOB NOT NULL,
	UNIQUE (client, key)
);
DELETE FROM requests WHERE status = 0; -- the daemon ended before it answered
`

// Open opens the state in a folder, and makes it if there is none: for its owner alone. What ran
// when the daemon before this one ended is marked as lost.
func Open(folder string) (db *DB, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, hint.Errorf("choose another folder with --state", "state: %w", err)
	}
	if err := private(folder); err != nil {
		return nil, err
	}
	db = &DB{folder: folder}
	if db.lock, err = Lock(filepath.Join(folder, "lock"), "state "+folder); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			db.Close()
		}
	}()
	path := filepath.Join(folder, "serve.db")
	// SQLite gives its log the mode of the file.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	f.Close()
	if db.write, err = open(path, 1); err == nil {
		db.read, err = open(path, 4)
	}
	if err != nil {
		return nil, err
	}
	return db, db.prepare(path)
}

// private refuses a folder that others may write: they could exchange the state.
func private(folder string) error {
	var st unix.Stat_t
	if err := unix.Stat(folder, &st); err != nil {
		return fmt.Errorf("state %s: %w", folder, err)
	}
	if st.Mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 {
		return hint.Errorf("chmod go-w "+folder, "state: others may write %s", folder)
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return hint.Errorf("choose a folder of your own with --state",
			"state: %s belongs to another user", folder)
	}
	return nil
}

func open(path string, connections int) (*sql.DB, error) {
	// NORMAL: no fsync at a commit. A commit is in the kernel's page cache, which a killed process
	// leaves as it is.
	// Secure: what is erased is overwritten.
	db, err := sqlite.Open(path, connections, sqlite.Options{"_busy_timeout": "10000",
		"_journal_mode": "WAL", "_synchronous": "NORMAL", "_secure_delete": "true"})
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	db.SetMaxIdleConns(connections)
	return db, nil
}

const elsewhere = "move it away, or choose another folder with --state"

func (db *DB) prepare(path string) error {
	ctx := context.Background()
	var version int
	if err := db.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return hint.Errorf(elsewhere, "state %s: %w", path, err)
	}
	if version > form {
		return hint.Errorf("use that mcpbox, or another folder with --state",
			"state %s was written by a newer mcpbox", path)
	}
	if _, err := db.write.ExecContext(
		ctx,
		tables+fmt.Sprintf("PRAGMA user_version = %d;", form),
	); err != nil {
		return hint.Errorf(elsewhere, "state %s: %w", path, err)
	}
	var errs [3]error
	db.stmts.execution, errs[0] = db.write.PrepareContext(ctx, `
INSERT INTO executions (id, state, client, caller, created, once, request, body)
VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), ?7, ?8)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`)
	db.stmts.event, errs[1] = db.write.PrepareContext(ctx, `
INSERT INTO events (id, time, type, severity, sandbox, execution, client, caller, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, body = excluded.body RETURNING seq`)
	db.stmts.sandbox, errs[2] = db.write.PrepareContext(ctx, `
INSERT INTO sandboxes (id, state, client, created, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`)
	// All that ran before is looked at now: damage is found before anything is answered.
	_, err := db.Unfinished()
	if err = errors.Join(append(errs[:], err)...); err != nil {
		return hint.Errorf(elsewhere, "state %s: %w", path, err)
	}
	return nil
}

// Close closes the state.
func (db *DB) Close() error {
	var errs []error
	for _, part := range []*sql.DB{db.read, db.write} {
		if part != nil {
			errs = append(errs, part.Close())
		}
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}
