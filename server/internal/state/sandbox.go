package state

import (
	"database/sql"
	"errors"
	"time"
)

// Sandbox is a row: Body is what is shown of it.
type Sandbox struct {
	ID      string
	State   string
	Client  string
	Created time.Time
	Body    []byte
}

// SaveSandbox adds or updates one.
func (db *DB) SaveSandbox(s Sandbox) error {
	_, err := db.stmts.sandbox.Exec(s.ID, s.State, s.Client, s.Created.UnixMilli(), s.Body)
	return err
}

// Sandbox returns one by its id. An empty client is any.
func (db *DB) Sandbox(id, client string) (s Sandbox, err error) {
	var created int64
	err = db.read.QueryRow(`SELECT id, state, client, created, body FROM sandboxes
WHERE id = ?1 AND (?2 = '' OR client = ?2)`, id, client).
		Scan(&s.ID, &s.State, &s.Client, &created, &s.Body)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	s.Created = time.UnixMilli(created).UTC()
	return s, err
}

// LiveSandboxes lists those that have not ended.
func (db *DB) LiveSandboxes() (out []Sandbox, err error) {
	rows, err := db.read.Query(
		`SELECT id, state, client, created, body FROM sandboxes
WHERE state NOT IN ('ended', 'lost')`,
	)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Sandbox
		var created int64
		if err := rows.Scan(&s.ID, &s.State, &s.Client, &created, &s.Body); err != nil {
			return nil, err
		}
		s.Created = time.UnixMilli(created).UTC()
		out = append(out, s)
	}
	return out, rows.Err()
}
