package state

import (
	"database/sql"
	"slices"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
)

// Event is a row: Body is the event's JSON.
type Event struct {
	Seq       int64
	ID        string
	Time      time.Time
	Type      string
	Severity  int
	Sandbox   string
	Execution string
	Client    string
	Caller    string
	Body      []byte
}

var severities = []monitor.Severity{monitor.Low, monitor.Medium, monitor.High, monitor.Critical}

// Rank numbers severities, low first. Of what is none it is 0, too.
func Rank(s monitor.Severity) int { return max(0, slices.Index(severities, s)) }

// SaveEvent adds an event, or updates the one of the same id, and returns its number in the log.
func (db *DB) SaveEvent(e Event) (int64, error) { return saveEvent(db.stmts.event, e) }

func saveEvent(stmt *sql.Stmt, e Event) (int64, error) {
	var seq int64
	err := stmt.QueryRow(e.ID, e.Time.UnixMilli(), e.Type, e.Severity, e.Sandbox, e.Execution,
		e.Client, e.Caller, e.Body).Scan(&seq)
	return seq, err
}

// Events lists them, oldest first.
func (db *DB) Events(f Filter) (out []Event, err error) {
	rows, err := db.read.Query(
		`SELECT seq, id, time, type, severity, sandbox, execution, client, caller, body
FROM events WHERE seq > ?1 AND (?2 = '' OR client = ?2) AND (?3 = '' OR caller = ?3)
AND (?4 = '' OR sandbox = ?4) AND (?5 = '' OR execution = ?5) AND (?6 = '' OR type = ?6)
AND severity >= ?7 AND time >= ?8 ORDER BY seq LIMIT ?9`,
		f.After,
		f.Client,
		f.Caller,
		f.Sandbox,
		f.Execution,
		f.Type,
		f.Severity,
		since(f.Since),
		f.Limit,
	)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var at int64
		if err := rows.Scan(
			&e.Seq,
			&e.ID,
			&at,
			&e.Type,
			&e.Severity,
			&e.Sandbox,
			&e.Execution,
			&e.Client,
			&e.Caller,
			&e.Body,
		); err != nil {
			return nil, err
		}
		e.Time = time.UnixMilli(at).UTC()
		out = append(out, e)
	}
	return out, rows.Err()
}

func since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
