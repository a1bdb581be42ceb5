package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/sqlite"
)

// Store is an open allowlist. Its methods may be called from several goroutines.
type Store struct {
	db   *sql.DB
	path string
}

// DefaultPath returns the allowlist's path if the user names no other.
func DefaultPath() (string, error) {
	path, err := datadir.Path("allow.db")
	if err != nil {
		return "", hint.Errorf("give it with --store FILE", "allowlist store: %w", err)
	}
	return path, nil
}

// Open opens the store at path, or creates it if it is missing. Only its owner can read and write
// the new file, and a new folder.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, hint.Errorf("name another file with --store", "make the allowlist's folder: %w",
			err)
	}
	if err := sqlite.Create(path); err != nil {
		return nil, hint.Errorf("name another file with --store", "make the allowlist store: %w",
			err)
	}
	s, err := connect(path)
	if err != nil {
		return nil, err
	}
	if err := s.tx(context.Background(), "IMMEDIATE",
		func(c *sql.Conn) error { return initialise(c, path) }); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// OpenExisting opens the store at path. If there is none, the error is os.ErrNotExist.
func OpenExisting(path string) (*Store, error) {
	switch _, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return nil, hint.Errorf("`mcpbox allow add` makes one; --store names another",
			"there is no allowlist yet: %s: %w", path, syscall.ENOENT)
	case err != nil:
		return nil, hint.Errorf("name another file with --store", "allowlist store: %w", err)
	}
	s, err := connect(path)
	if err != nil {
		return nil, err
	}
	if err := s.tx(context.Background(), "DEFERRED",
		func(c *sql.Conn) error { return checkSchema(c, path) }); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func connect(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite keeps its journal next to the resolved file
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("allowlist store: %w", err)
	}
	if err := sqlite.Private(path, "allowlist store"); err != nil {
		return nil, err
	}
	// EXTRA: when Update returns, the removal of the journal is on disk. That removal is the
	// commit.
	db, err := sqlite.Open(path, 1, sqlite.Options{"_busy_timeout": "10000",
		"_synchronous":     "EXTRA",
		"_cell_size_check": "1"})
	if err != nil {
		return nil, fmt.Errorf("open the allowlist store: %w", err)
	}
	return &Store{db: db, path: path}, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// tx runs work in one transaction: IMMEDIATE to write, DEFERRED to read.
func (s *Store) tx(ctx context.Context, mode string, work func(*sql.Conn) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return explain(err, s.path)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN "+mode); err != nil {
		return explain(err, s.path)
	}
	done := false
	defer func() {
		if !done {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := work(conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return explain(err, s.path)
	}
	done = true
	return nil
}
