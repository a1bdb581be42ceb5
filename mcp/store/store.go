package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/access"
)

// Rules checks the whole log. Then it returns the rules in force, and the newest entry.
func (s *Store) Rules(ctx context.Context) (out []access.Rule, head Head, err error) {
	all, err := s.read(ctx)
	if err != nil {
		return nil, Head{}, err
	}
	if err := all.trusted(s.path); err != nil {
		return nil, Head{}, err
	}
	out, err = all.rules()
	return out, all.head(), err
}

// History returns the log, oldest entry first. It also returns a log that fails the check: problems
// says what is wrong.
func (s *Store) History(ctx context.Context) (entries []Entry, problems []string, err error) {
	all, err := s.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	return all.entries, all.problems, nil
}

// Verify checks the log, the rules, and SQLite's own structures. expect are heads that were noted
// earlier, "" is none: the log must still have them.
func (s *Store) Verify(ctx context.Context, expect ...string) (head Head, problems []string,
	err error) {
	err = s.tx(ctx, "DEFERRED", func(c *sql.Conn) error {
		all, err := read(ctx, c, s.path)
		if err != nil {
			return err
		}
		head = all.head()
		missing := map[string]bool{}
		for _, h := range expect {
			if h != "" && !missing[h] && !all.has(h) {
				missing[h] = true
				all.wrong("entry %s is not in the log: it was replaced or cut off", h)
			}
		}
		err = query(ctx, c, `PRAGMA integrity_check(10)`, func(scan func(...any) error) error {
			var line string
			if err := scan(&line); err != nil {
				return err
			}
			if line != "ok" {
				all.wrong("SQLite's own check: %s", line)
			}
			return nil
		})
		problems = all.problems
		return err
	})
	return head, problems, err
}

func (c *contents) has(head string) bool {
	for _, r := range c.rows {
		if (Head{r.seq, r.sum}).String() == head {
			return true
		}
	}
	return head == Head{Hash: firstPrev}.String()
}

func (s *Store) read(ctx context.Context) (all *contents, err error) {
	err = s.tx(ctx, "DEFERRED", func(c *sql.Conn) error {
		all, err = read(ctx, c, s.path)
		return err
	})
	return all, err
}

// Update changes the rules in one transaction: edit gets the rules in force and returns the new
// ones. If nothing changes, nothing is written and the entry is nil. With dry, Update returns the
// entry and writes nothing.
func (s *Store) Update(ctx context.Context, by Author, action string, dry bool,
	edit func([]access.Rule) ([]access.Rule, error)) (*Entry, error) {
	return s.update(ctx, by, action, dry, func(all *contents) ([]access.Rule, error) {
		now, err := all.rules()
		if err != nil {
			return nil, err
		}
		return edit(now)
	})
}

// Rollback restores the rules as they were after entry seq; 0 means before the first entry. It adds
// an entry of its own to the log.
func (s *Store) Rollback(ctx context.Context, by Author, seq int64, dry bool) (*Entry, error) {
	return s.update(ctx, by, fmt.Sprintf("rollback to %d", seq), dry,
		func(all *contents) ([]access.Rule, error) {
			if seq < 0 || seq > all.head().Seq {
				return nil, hint.Errorf("`mcpbox allow history` lists the entries",
					"rollback: there is no entry %d", seq)
			}
			state := map[string]json.RawMessage{}
			for _, e := range all.entries[:seq] {
				for _, change := range e.Changes {
					apply(state, change)
				}
			}
			return decode(state)
		})
}

func (s *Store) update(ctx context.Context, by Author, action string, dry bool,
	edit func(*contents) ([]access.Rule, error)) (entry *Entry, err error) {
	for _, word := range []string{by.User, by.As, action} {
		if len(word) > 200 || strings.ContainsFunc(word,
			func(r rune) bool { return !unicode.IsPrint(r) }) {
			return nil, hint.Errorf("at most 200 bytes, on one line", "%q can't be an operator",
				word)
		}
	}
	mode := "IMMEDIATE"
	if dry {
		mode = "DEFERRED"
	}
	err = s.tx(ctx, mode, func(c *sql.Conn) error {
		all, err := read(ctx, c, s.path)
		if err != nil {
			return err
		}
		if err := all.trusted(s.path); err != nil {
			return err
		}
		before, err := all.rules()
		if err != nil {
			return err
		}
		after, err := edit(all)
		if err != nil {
			return err
		}
		if after, err = access.CanonicalRules(after); err != nil {
			return err
		}
		changes := access.Diff(before, after)
		if len(changes) == 0 {
			return nil
		}
		head := all.head()
		r := row{seq: head.Seq + 1, time: time.Now().UTC().Format(time.RFC3339Nano),
			operator: by.User, acting: by.As, action: action, prev: head.Hash}
		text, err := access.EncodeChanges(changes)
		if err != nil {
			return err
		}
		r.changes = string(text)
		r.sum = r.hash()
		e, err := r.entry()
		if err != nil {
			return err
		}
		entry = &e
		if dry {
			return nil
		}
		return write(ctx, c, &r, changes, s.path)
	})
	if err != nil {
		return nil, err
	}
	return entry, nil
}

func write(ctx context.Context, c *sql.Conn, r *row, changes []access.Change, path string) error {
	if _, err := c.ExecContext(ctx,
		`INSERT INTO log (seq, time, operator, acting, action, changes, prev, hash)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.seq, r.time, r.operator, r.acting, r.action, r.changes, r.prev, r.sum); err != nil {
		return explain(err, path)
	}
	for _, change := range changes {
		statement := `INSERT INTO rules (id, body) VALUES (?, ?)
			ON CONFLICT (id) DO UPDATE SET body = excluded.body`
		args := []any{change.ID, string(change.After)}
		if change.After == nil {
			statement, args = `DELETE FROM rules WHERE id = ?`, args[:1]
		}
		if _, err := c.ExecContext(ctx, statement, args...); err != nil {
			return explain(err, path)
		}
	}
	return nil
}
