package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/access"
)

// Head names the newest entry of a log.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// String returns the head in the form that `allow verify --expect` takes.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// contents holds everything in a store, and the problems that were found.
type contents struct {
	rows     []row
	entries  []Entry
	state    map[string]json.RawMessage // by id, replayed from the log
	problems []string
}

func (c *contents) wrong(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *contents) head() Head {
	if len(c.rows) == 0 {
		return Head{Hash: firstPrev}
	}
	last := c.rows[len(c.rows)-1]
	return Head{last.seq, last.sum}
}

// rules returns the rules in force.
func (c *contents) rules() ([]access.Rule, error) { return decode(c.state) }

func decode(state map[string]json.RawMessage) ([]access.Rule, error) {
	var out []access.Rule
	for _, body := range state {
		var r access.Rule
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	access.SortRules(out)
	return out, nil
}

// trusted returns an error if there is any problem.
func (c *contents) trusted(path string) error {
	if len(c.problems) == 0 {
		return nil
	}
	return hint.Errorf("see `mcpbox allow verify`; restore the file from a backup, or import an "+
		"export into a new one",
		"allowlist store %s: %w: %s", path, ErrTampered, c.problems[0])
}

// read reads and checks everything. The error comes from SQLite; problems with the contents are in
// contents.problems.
func read(ctx context.Context, c *sql.Conn, path string) (*contents, error) {
	all := &contents{state: map[string]json.RawMessage{}}
	for _, step := range []func(context.Context, *sql.Conn) error{all.readSchema, all.readLog,
		all.readRules} {
		if err := step(ctx, c); err != nil {
			return nil, explain(err, path)
		}
	}
	return all, nil
}

// readSchema compares the tables and triggers with those that mcpbox creates.
func (c *contents) readSchema(ctx context.Context, conn *sql.Conn) error {
	var have []string
	const statement = `SELECT sql FROM sqlite_schema
		WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`
	err := query(ctx, conn, statement, func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		have = append(have, s)
		return err
	})
	want := tables()
	slices.Sort(have)
	slices.Sort(want)
	if err == nil && !slices.Equal(have, want) {
		c.wrong("its tables or triggers are not those that mcpbox created")
	}
	return err
}

func (c *contents) readLog(ctx context.Context, conn *sql.Conn) error {
	prev := Head{Hash: firstPrev}
	const statement = `SELECT seq, time, operator, acting, action, changes, prev, hash
		FROM log ORDER BY seq`
	err := query(ctx, conn, statement, func(scan func(...any) error) error {
		var r row
		if err := scan(&r.seq, &r.time, &r.operator, &r.acting, &r.action, &r.changes, &r.prev,
			&r.sum); err != nil {
			return err
		}
		c.check(&r, prev)
		prev = Head{r.seq, r.sum}
		c.rows = append(c.rows, r)
		return nil
	})
	if err != nil {
		return err
	}
	var highest sql.NullInt64
	if err := conn.QueryRowContext(ctx,
		`SELECT max(seq) FROM sqlite_sequence WHERE name = 'log'`).Scan(&highest); err != nil {
		return err
	}
	if highest.Int64 != prev.Seq {
		c.wrong("the log ends with entry %d, but there were %d: entries were removed from its end",
			prev.Seq, highest.Int64)
	}
	return nil
}

// check compares a row with the previous one, and with the rules that the log has led to so far.
func (c *contents) check(r *row, prev Head) {
	if r.seq != prev.Seq+1 {
		c.wrong("after entry %d comes entry %d: entries between them are missing", prev.Seq, r.seq)
	}
	if r.hash() != r.sum {
		c.wrong("entry %d was edited: its hash does not match its fields", r.seq)
	}
	if r.prev != prev.Hash {
		c.wrong("entry %d does not follow entry %d: entries were edited, removed or reordered",
			r.seq, prev.Seq)
	}
	e, err := r.entry()
	if err != nil {
		c.wrong("entry %d can't be read: %v", r.seq, err)
		return
	}
	c.entries = append(c.entries, e)
	for _, change := range e.Changes {
		if !same(c.state[change.ID], change.Before) {
			c.wrong("entry %d does not match what earlier entries say of rule %s", r.seq, change.ID)
		}
		apply(c.state, change)
	}
}

// same compares two bodies; nil and JSON's null mean no body.
func same(a, b json.RawMessage) bool {
	absent := func(m json.RawMessage) bool { return len(m) == 0 || string(m) == "null" }
	return absent(a) && absent(b) || bytes.Equal(a, b)
}

func apply(state map[string]json.RawMessage, change access.Change) {
	if same(change.After, nil) {
		delete(state, change.ID)
		return
	}
	state[change.ID] = change.After
}

// readRules compares the table with the rules that the log leads to.
func (c *contents) readRules(ctx context.Context, conn *sql.Conn) error {
	seen := map[string]bool{}
	err := query(ctx, conn, `SELECT id, body FROM rules ORDER BY id`,
		func(scan func(...any) error) error {
			var id, body string
			if err := scan(&id, &body); err != nil {
				return err
			}
			seen[id] = true
			if want, ok := c.state[id]; !ok {
				c.wrong("rule %s is in force, but no entry of the log added it", id)
			} else if string(want) != body {
				c.wrong("rule %s differs from the log", id)
			}
			return nil
		})
	for _, id := range slices.Sorted(maps.Keys(c.state)) {
		if !seen[id] && err == nil {
			c.wrong("rule %s is in the log, but not in force", id)
		}
	}
	if _, bad := c.rules(); bad != nil {
		c.wrong("a rule can't be read: %v", bad)
	}
	return err
}

func query(ctx context.Context, conn *sql.Conn, text string,
	each func(scan func(...any) error) error) error {
	result, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer result.Close()
	for result.Next() {
		if err := each(result.Scan); err != nil {
			return err
		}
	}
	return result.Err()
}
