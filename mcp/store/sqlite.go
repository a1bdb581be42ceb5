package store

import (
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// ErrTampered means that the rules of a store do not match its log, or that the log is not intact.
var ErrTampered = errors.New("the allowlist store was tampered with")

// explain turns SQLite's error codes into errors with a hint.
func explain(err error, path string) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("allowlist store %s: %w", path, err)
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return hint.Errorf("another mcpbox or sqlite3 is writing to it; try again",
			"allowlist store %s: busy for ten seconds", path)
	case sqlite3.ErrNotADB:
		return hint.Errorf("name another file with --store",
			"allowlist store %s: not an SQLite file", path)
	case sqlite3.ErrCorrupt:
		return hint.Errorf("restore it from a backup", "allowlist store %s: %w: %w", path,
			ErrTampered, err)
	case sqlite3.ErrFull:
		return hint.Errorf("make room on its disk; nothing was changed", "allowlist store %s: %w",
			path, err)
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return hint.Errorf("make the file and its folder writable: SQLite writes a journal there",
			"allowlist store %s: %w", path, err)
	}
	return fmt.Errorf("allowlist store %s: %w", path, err)
}
