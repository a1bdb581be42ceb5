package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/hint"
)

const (
	applicationID = 0x6d637062 // "mcpb"
	schemaVersion = 1
)

// tables returns the statements that create the tables. AUTOINCREMENT keeps the highest seq that
// was ever used, so the check detects a log whose end was cut off. The triggers protect against
// mistakes. An attacker can drop them, and the check detects that too.
func tables() []string {
	return []string{
		`CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, ` +
			`operator TEXT NOT NULL, acting TEXT NOT NULL, action TEXT NOT NULL, ` +
			`changes TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT`,
		`CREATE TABLE rules (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID`,
		`CREATE TRIGGER log_keeps_entries BEFORE DELETE ON log ` +
			`BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END`,
		`CREATE TRIGGER log_keeps_words BEFORE UPDATE ON log ` +
			`BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END`,
	}
}

// initialise creates the tables in an empty file.
func initialise(c *sql.Conn, path string) error {
	ctx := context.Background()
	var objects int
	if err := c.QueryRowContext(ctx,
		`SELECT count(*) FROM sqlite_schema`).Scan(&objects); err != nil {
		return explain(err, path)
	}
	if objects > 0 {
		return checkSchema(c, path)
	}
	for _, statement := range append(tables(),
		fmt.Sprintf(`PRAGMA application_id = %d`, applicationID),
		fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion)) {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return explain(err, path)
		}
	}
	return nil
}

// checkSchema refuses SQLite files that are not an allowlist store, and stores of a later mcpbox.
func checkSchema(c *sql.Conn, path string) error {
	var id, version int
	for pragma, to := range map[string]*int{"application_id": &id, "user_version": &version} {
		if err := c.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(to); err != nil {
			return explain(err, path)
		}
	}
	switch {
	case id != applicationID:
		return hint.Errorf("name another file with --store",
			"allowlist store %s: an SQLite file, but not an allowlist", path)
	case version != schemaVersion:
		return hint.Errorf("use the mcpbox that created it",
			"allowlist store %s: its schema has version %d, this mcpbox knows %d", path, version,
			schemaVersion)
	}
	return nil
}
