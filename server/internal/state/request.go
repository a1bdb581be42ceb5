package state

import (
	"database/sql"
	"errors"
	"time"
)

// Request is one that came with an idempotency key, and how it was answered.
type Request struct {
	Client, Key string
	Digest      string // of what was asked for
	Created     time.Time
	Status      int // 0: it has not been answered yet
	Type        string
	Body        []byte
}

// Claim notes a request. ErrOnce: the client has used the key before, and this is how.
func (db *DB) Claim(r Request) (before Request, err error) {
	res, err := db.write.Exec(`
INSERT INTO requests (client, key, digest, created, status, type, body)
VALUES (?, ?, ?, ?, 0, '', '') ON CONFLICT (client, key) DO NOTHING`,
		r.Client, r.Key, r.Digest, r.Created.UnixMilli())
	if err != nil {
		return before, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return before, err
	}
	before = Request{Client: r.Client, Key: r.Key}
	err = db.write.QueryRow(`SELECT digest, status, type, body FROM requests
WHERE client = ? AND key = ?`, r.Client, r.Key).
		Scan(&before.Digest, &before.Status, &before.Type, &before.Body)
	if errors.Is(err, sql.ErrNoRows) { // it was given up in this very moment
		return db.Claim(r)
	}
	return before, errors.Join(ErrOnce, err)
}

// Settle notes the answer.
func (db *DB) Settle(r Request) error {
	_, err := db.write.Exec(
		"UPDATE requests SET status = ?, type = ?, body = ? WHERE client = ? AND key = ?",
		r.Status, r.Type, r.Body, r.Client, r.Key)
	return err
}

// Unclaim forgets a request that had no answer to be kept.
func (db *DB) Unclaim(r Request) error {
	_, err := db.write.Exec("DELETE FROM requests WHERE client = ? AND key = ?", r.Client, r.Key)
	return err
}

// FreeExecution makes an execution's idempotency key free: it was refused only for a time.
func (db *DB) FreeExecution(id string) error {
	_, err := db.write.Exec("UPDATE executions SET once = NULL WHERE id = ?", id)
	return err
}
