// Package sqlite opens SQLite files. The stores use the driver only for its error codes.
//
//	err := sqlite.Create(path)                         // readable by its owner only
//	err = sqlite.Private(path, "allowlist store")      // nobody else may write it
//	db, err := sqlite.Open(path, 1, sqlite.Options{"_journal_mode": "WAL"})
//
// Whoever may write the file or its folder controls its content: Private refuses such a file.
package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
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

// Private refuses a store that another user could replace or change. If others can create a file in
// its folder, even in a sticky one, they can create a journal there: SQLite rolls back any journal
// next to the store. path is the resolved one; what is the store's name in the error.
func Private(path, what string) error {
	for _, p := range []string{path, filepath.Dir(path)} {
		var st unix.Stat_t
		if err := unix.Stat(p, &st); err != nil {
			return fmt.Errorf("%s %s: %w", what, p, err)
		}
		if st.Mode&(unix.S_IWOTH|unix.S_IWGRP) != 0 {
			return hint.Errorf("chmod go-w "+p+", or name a file in a folder of your own with "+
				"--store", "%s: others may write %s", what, p)
		}
		if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
			return hint.Errorf("name one of your own with --store",
				"%s: %s belongs to another user", what, p)
		}
	}
	return nil
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
