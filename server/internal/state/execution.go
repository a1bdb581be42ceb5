package state

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/mattn/go-sqlite3"
)

// ErrNotFound: there is no such row, or it is another client's.
var ErrNotFound = errors.New("not found")

// ErrOnce: the client has used the idempotency key before.
var ErrOnce = errors.New("the idempotency key was used before")

// Execution is a row: Body is what is shown of it.
type Execution struct {
	Seq     int64
	ID      string
	State   string
	Client  string
	Caller  string
	Created time.Time
	Once    string
	Request string
	Body    []byte
}

// SaveExecution adds or updates an execution, with its events, as one transaction.
func (db *DB) SaveExecution(x Execution, events []Event) error {
	if len(events) == 0 {
		return once(db.saveExecution(db.stmts.execution, x))
	}
	tx, err := db.write.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := once(db.saveExecution(tx.Stmt(db.stmts.execution), x)); err != nil {
		return err
	}
	for _, e := range events {
		if _, err := saveEvent(tx.Stmt(db.stmts.event), e); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (db *DB) saveExecution(stmt *sql.Stmt, x Execution) error {
	_, err := stmt.Exec(x.ID, x.State, x.Client, x.Caller, x.Created.UnixMilli(), x.Once, x.Request,
		x.Body)
	return err
}

func once(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrConstraintUnique {
		return ErrOnce
	}
	return err
}

// IsFull reports whether an error says that the disk is full.
func IsFull(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull
}

// Execution returns one by its id. An empty client is any.
func (db *DB) Execution(id, client string) (Execution, error) {
	return db.one("id = ?1", id, client)
}

// ExecutionOnce returns the one that came with an idempotency key.
func (db *DB) ExecutionOnce(key, client string) (Execution, error) {
	return db.one("once = ?1", key, client)
}

const executionColumns = "seq, id, state, client, caller, created, coalesce(once, ''), request," +
	" body"

func (db *DB) one(where, what, client string) (x Execution, err error) {
	row := db.read.QueryRow("SELECT "+executionColumns+" FROM executions WHERE "+where+
		" AND (?2 = '' OR client = ?2)", what, client)
	if err = scanExecution(row.Scan, &x); errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return x, err
}

func scanExecution(scan func(...any) error, x *Execution) error {
	var created int64
	err := scan(&x.Seq, &x.ID, &x.State, &x.Client, &x.Caller, &created, &x.Once, &x.Request,
		&x.Body)
	x.Created = time.UnixMilli(created).UTC()
	return err
}

// Filter chooses executions or events. Empty fields choose all.
type Filter struct {
	Client, Caller, State    string
	Sandbox, Execution, Type string
	Severity                 int // at least
	Since                    time.Time
	Before, After            int64 // Seq, exclusive
	Limit                    int
}

// maxPage bounds the bytes of a page of executions: a result may have megabytes of output.
const maxPage = 16 << 20

// Executions lists them, newest first. more: the page ends before the last one.
func (db *DB) Executions(f Filter) (out []Execution, more bool, err error) {
	before := f.Before
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := db.read.Query("SELECT "+executionColumns+` FROM executions
WHERE seq < ?1 AND (?2 = '' OR client = ?2) AND (?3 = '' OR caller = ?3) AND (?4 = '' OR state = ?4)
ORDER BY seq DESC`, before, f.Client, f.Caller, f.State)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for size := 0; rows.Next(); {
		if len(out) == f.Limit || size > maxPage {
			return out, true, nil
		}
		var x Execution
		if err := scanExecution(rows.Scan, &x); err != nil {
			return nil, false, err
		}
		out, size = append(out, x), size+len(x.Body)
	}
	return out, false, rows.Err()
}

// Unfinished returns what ran when the daemon before this one ended.
func (db *DB) Unfinished() (out []Execution, err error) {
	f := Filter{State: "running", Limit: -1}
	for more := true; more && err == nil; {
		var page []Execution
		if page, more, err = db.Executions(f); len(page) > 0 {
			out, f.Before = append(out, page...), page[len(page)-1].Seq
		}
	}
	return out, err
}

// Erase removes what is kept of a client's caller, and returns how many executions, events and
// sandboxes that were. What still runs stays.
func (db *DB) Erase(client, caller string) (executions, events, sandboxes int64, err error) {
	tx, err := db.write.BeginTx(context.Background(), nil)
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	for _, part := range []struct {
		query string
		n     *int64
	}{
		{"DELETE FROM executions WHERE client = ?1 AND caller = ?2 AND state <> 'running'",
			&executions},
		{"DELETE FROM events WHERE client = ?1 AND caller = ?2", &events},
		{`DELETE FROM sandboxes WHERE client = ?1 AND json_extract(body, '$.caller') = ?2
AND state IN ('ended', 'lost')`, &sandboxes},
	} {
		res, err := tx.Exec(part.query, client, caller)
		if err != nil {
			return 0, 0, 0, err
		}
		*part.n, _ = res.RowsAffected()
	}
	if err := tx.Commit(); err != nil {
		return 0, 0, 0, err
	}
	return executions, events, sandboxes, db.forgetLog()
}

// Export calls each for all that is kept of a client's caller: the table's name and the row's body,
// oldest first.
func (db *DB) Export(client, caller string, each func(kind string, body []byte) error) error {
	for _, part := range []struct{ kind, query string }{
		{"execution", "SELECT body FROM executions WHERE client = ?1 AND caller = ?2 ORDER BY seq"},
		{"event", "SELECT body FROM events WHERE client = ?1 AND caller = ?2 ORDER BY seq"},
		{"sandbox", `SELECT body FROM sandboxes
WHERE client = ?1 AND json_extract(body, '$.caller') = ?2 ORDER BY seq`},
	} {
		each := func(body []byte) error { return each(part.kind, body) }
		if err := db.bodies(each, part.query, client, caller); err != nil {
			return err
		}
	}
	return nil
}

// bodies calls each for the one column of a query's rows. The bytes are valid until it returns.
func (db *DB) bodies(each func([]byte) error, query string, args ...any) error {
	rows, err := db.read.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var body sql.RawBytes
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := each(body); err != nil {
			return err
		}
	}
	return rows.Err()
}
