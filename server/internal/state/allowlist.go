package state

import (
	"errors"
	"time"
)

// Proposal is a row: Body is what is shown of it.
type Proposal struct {
	ID     string
	State  string // pending, approved, rejected
	Client string
	Body   []byte
}

// ErrMany: the client has as many proposals as may wait.
var ErrMany = errors.New("as many proposals wait as may")

// SaveProposal adds one, if fewer than most of the client's wait.
func (db *DB) SaveProposal(p Proposal, most int) error {
	res, err := db.write.Exec(`INSERT INTO proposals (id, state, client, body)
SELECT ?1, ?2, ?3, ?4
WHERE (SELECT count(*) FROM proposals WHERE client = ?3 AND state = 'pending') < ?5`,
		p.ID, p.State, p.Client, p.Body, most)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrMany, err)
	}
	return nil
}

// ErrDecided: the proposal does not wait any more.
var ErrDecided = errors.New("the proposal was decided before")

// Decide changes a proposal that waits.
func (db *DB) Decide(p Proposal) error {
	res, err := db.write.Exec(
		"UPDATE proposals SET state = ?2, body = ?3 WHERE id = ?1 AND state = 'pending'",
		p.ID, p.State, p.Body)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrDecided, err)
	}
	return nil
}

// Proposals lists them, oldest first. An empty id, state or client is any.
func (db *DB) Proposals(id, state, client string) (out []Proposal, err error) {
	rows, err := db.read.Query(`SELECT id, state, client, body FROM proposals
WHERE (?1 = '' OR id = ?1) AND (?2 = '' OR state = ?2) AND (?3 = '' OR client = ?3) ORDER BY seq`,
		id, state, client)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Proposal
		if err := rows.Scan(&p.ID, &p.State, &p.Client, &p.Body); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// SaveCall adds the record of a tool call.
func (db *DB) SaveCall(at time.Time, client string, body []byte) error {
	_, err := db.write.Exec("INSERT INTO calls (time, client, body) VALUES (?, ?, ?)",
		at.UnixMilli(), client, body)
	return err
}

// Calls calls each for the newest records, oldest first. An empty client is any.
func (db *DB) Calls(client string, most int, each func(body []byte) error) error {
	return db.bodies(each, `SELECT body FROM (SELECT seq, body FROM calls
WHERE ?1 = '' OR client = ?1 ORDER BY seq DESC LIMIT ?2) ORDER BY seq`, client, most)
}

// SaveRule adds or updates a rule of detection.
func (db *DB) SaveRule(id string, body []byte) error {
	_, err := db.write.Exec(`INSERT INTO rules (id, body) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET body = excluded.body`, id, body)
	return err
}

// RemoveRule removes one.
func (db *DB) RemoveRule(id string) error {
	_, err := db.write.Exec("DELETE FROM rules WHERE id = ?", id)
	return err
}

// Rules are those that operators have added, by id.
func (db *DB) Rules() (bodies [][]byte, err error) {
	rows, err := db.read.Query("SELECT body FROM rules ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, rows.Err()
}
