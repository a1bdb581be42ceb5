// Package sqlite opens SQLite files. The stores use the driver only for its error codes.
//
//	err := sqlite.Create(path)                         // readable by its owner only
//	db, err := sqlite.Open(path, 1, sqlite.Options{"_journal_mode": "WAL"})
//
// Whoever may write the file or its folder controls its content. Callers must check the modes.
package sqlite

import (
	"database/sql"
	"errors"
	"net/url"
	"os"

	_ "github.com/mattn/go-sqlite3" // the driver
	"golang.org/x/sys/unix"
)

// Options are options of the driver. Its README lists the names.
type Options map[string]string

// Create makes an empty file of mode 0600, if there is none. SQLite gives its journal and its log
// the mode of the file, so the mode must be right before SQLite opens it.
func Create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Open opens an existing file with at most this many connections. Functions in the schema are not
// trusted (trusted_schema).
func Open(path string, connections int, options Options) (*sql.DB, error) {
	query := url.Values{"mode": {"rw"}, "_trusted_schema": {"0"}}
	for name, value := range options {
		query.Set(name, value)
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite3", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}
