// Package sqlite opens SQLite files. The stores know the driver by its error codes only.
//
//	err := sqlite.Create(path)                         // for its owner alone
//	db, err := sqlite.Open(path, 1, sqlite.Options{"_journal_mode": "WAL"})
//
// Who may write the file or its folder decides what is in it: callers look at the modes.
package sqlite

import (
	"database/sql"
	"errors"
	"net/url"
	"os"

	_ "github.com/mattn/go-sqlite3" // the driver
	"golang.org/x/sys/unix"
)

// Options are the driver's, by the names that its README lists.
type Options map[string]string

// Create makes an empty file of mode 0600, if there is none. SQLite gives its journal and its log
// the mode of the file, so the file must be right before SQLite sees it.
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

// Open opens a file that is there, by at most so many connections. Functions of the schema are not
// trusted.
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
