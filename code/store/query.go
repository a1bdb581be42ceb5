package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Stats sums executions up.
type Stats struct {
	Total      int            `json:"total"`
	Since      *time.Time     `json:"since,omitempty"` // the oldest of them
	ByStatus   map[string]int `json:"by_status"`
	ByLanguage map[string]int `json:"by_language"`
	ByPolicy   map[string]int `json:"by_policy"`
	ByRisk     map[string]int `json:"by_risk"`
	ByEvent    map[string]int `json:"by_event"` // events, not executions
	Time       *Percentiles   `json:"time"`     // seconds; null without executions that ran
	Memory     *Percentiles   `json:"memory"`   // bytes; null if it is not known of any
	// hosts that policies allow by name, those with the most bytes first, 20 at most
	Network []Traffic `json:"network,omitempty"`
}

// Traffic is what went to one host and port, and back.
type Traffic struct {
	Host        string  `json:"host"`
	Port        int     `json:"port"`
	Executions  int     `json:"executions"`
	Connections int64   `json:"connections"`
	Sent        int64   `json:"bytes_sent"`
	Received    int64   `json:"bytes_received"`
	Duration    float64 `json:"duration"` // seconds, of all connections together
}

// Percentiles are by nearest rank.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Stats looks at the executions since a time; the zero time is all.
func (s *Store) Stats(ctx context.Context, since time.Time) (*Stats, error) {
	st := &Stats{
		ByStatus:   map[string]int{},
		ByLanguage: map[string]int{},
		ByPolicy:   map[string]int{},
		ByRisk:     map[string]int{},
		ByEvent:    map[string]int{},
	}
	return st, s.readable(s.stats(ctx, since.UnixMicro(), st))
}

func (s *Store) stats(ctx context.Context, since int64, st *Stats) error {
	var oldest sql.NullInt64
	if err := s.db.QueryRowContext(ctx,
		"SELECT count(*), min(time) FROM executions WHERE time >= ?", since).
		Scan(&st.Total, &oldest); err != nil {
		return err
	}
	if oldest.Valid {
		t := time.UnixMicro(oldest.Int64).UTC()
		st.Since = &t
	}
	for _, group := range []struct {
		column string
		into   map[string]int
	}{{"status", st.ByStatus}, {"language", st.ByLanguage}, {"policy", st.ByPolicy},
		{"risk", st.ByRisk}} {
		if err := s.count(
			ctx,
			group.into,
			"SELECT "+group.column+", count(*) FROM executions WHERE time >= ? GROUP BY 1",
			since,
		); err != nil {
			return err
		}
	}
	err := s.count(
		ctx,
		st.ByEvent,
		"SELECT type, sum(count) FROM events JOIN executions ON id = execution WHERE time >= ? "+
			"GROUP BY 1",
		since,
	)
	if err != nil {
		return err
	}
	if st.Time, err = s.percentiles(ctx, "took", 1e6, since); err != nil {
		return err
	}
	if st.Memory, err = s.percentiles(ctx, "memory", 1, since); err != nil {
		return err
	}
	return s.traffic(ctx, since, st)
}

// traffic adds up what the results say of the network.
func (s *Store) traffic(ctx context.Context, since int64, st *Stats) error {
	rows, err := s.db.QueryContext(ctx, `
SELECT n.value->>'host', n.value->>'port', count(DISTINCT executions.id),
  sum(n.value->>'connections'), sum(n.value->>'bytes_sent') sent,
  sum(n.value->>'bytes_received') received, coalesce(sum(n.value->>'duration'), 0)
FROM executions, json_each(CASE WHEN json_valid(CAST(result AS TEXT))
  THEN CAST(result AS TEXT) ELSE '{}' END, '$.network') n
WHERE time >= ? AND n.type = 'object'
GROUP BY 1, 2 ORDER BY sent + received DESC, 1, 2 LIMIT 20`, since)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t Traffic
		if err := rows.Scan(&t.Host, &t.Port, &t.Executions, &t.Connections, &t.Sent, &t.Received,
			&t.Duration); err != nil {
			return err
		}
		st.Network = append(st.Network, t)
	}
	return rows.Err()
}

func (s *Store) count(ctx context.Context, into map[string]int, query string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			return err
		}
		into[key] = n
	}
	return rows.Err()
}

func (s *Store) percentiles(
	ctx context.Context,
	column string,
	unit float64,
	since int64,
) (*Percentiles, error) {
	of := " FROM executions WHERE time >= ? AND " + column + " > 0"
	var n int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*)"+of, since).
		Scan(&n); err != nil ||
		n == 0 {
		return nil, err
	}
	p := &Percentiles{}
	for _, q := range []struct {
		part float64
		into *float64
	}{{0.5, &p.P50}, {0.9, &p.P90}, {0.99, &p.P99}, {1, &p.Max}} {
		rank := max(int(q.part*float64(n)+0.999999), 1) - 1
		var v int64
		if err := s.db.QueryRowContext(ctx, "SELECT "+column+of+" ORDER BY 1 LIMIT 1 OFFSET ?",
			since, min(rank, n-1)).
			Scan(&v); err != nil {
			return nil, err
		}
		*q.into = float64(v) / unit
	}
	return p, nil
}

const columns = "id, time, tool, language, policy, status, exit_code, took, cpu, memory, risk, " +
	"sha256, result, code"

// List returns the newest n, the newest first.
func (s *Store) List(ctx context.Context, n int) (list []Execution, err error) {
	rows, err := s.db.QueryContext(ctx,
		"SELECT "+columns+" FROM executions ORDER BY time DESC, id LIMIT ?", n)
	if err != nil {
		return nil, s.readable(err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, s.readable(err)
		}
		list = append(list, e)
	}
	return list, s.readable(rows.Err())
}

// Get returns one by its id, or by the beginning of its id if that is enough.
func (s *Store) Get(ctx context.Context, id string) (*Execution, error) {
	rows, err := s.db.QueryContext(
		ctx,
		"SELECT "+columns+" FROM executions WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id "+
			"LIMIT 2",
		id,
	)
	if err != nil {
		return nil, s.readable(err)
	}
	defer rows.Close()
	var found []Execution
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, s.readable(err)
		}
		found = append(found, e)
	}
	switch err := rows.Err(); {
	case err != nil:
		return nil, s.readable(err)
	case len(found) == 0 || id == "":
		return nil, hint.Errorf(
			"`mcpbox history` lists what is there",
			"execution %s: %w",
			id,
			ErrNotFound,
		)
	case len(found) > 1 && found[0].ID != id:
		return nil, hint.Errorf("give more of it", "execution %s: more than one begins so", id)
	}
	return &found[0], nil
}

func scan(rows *sql.Rows) (Execution, error) {
	var e Execution
	var at, took, cpu int64
	err := rows.Scan(&e.ID, &at, &e.Tool, &e.Language, &e.Policy, &e.Status, &e.ExitCode, &took,
		&cpu, &e.Memory, &e.Risk, &e.SHA256, &e.Result, &e.Code)
	e.Time, e.Took, e.CPU = time.UnixMicro(at).
		UTC(),
		time.Duration(took)*time.Microsecond, time.Duration(
			cpu,
		)*time.Microsecond
	return e, err
}
