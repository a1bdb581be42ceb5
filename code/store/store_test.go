package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
)

func opened(t *testing.T) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "executions.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}

func one(i int) Execution {
	return Execution{
		ID:       fmt.Sprintf("id%06d", i),
		Time:     time.Now().Add(time.Duration(i) * time.Millisecond),
		Tool:     "code",
		Language: []string{"python", "node"}[i%2],
		Policy:   "code-standard",
		Status:   []string{"ok", "ok", "failed"}[i%3],
		Took:     time.Duration(i+1) * time.Millisecond,
		Memory:   int64(i+1) << 20,
		Risk:     "low",
		SHA256:   "00",
		Events:   map[string]int{"syscall_blocked": 2},
		Result:   []byte("{}"),
	}
}

func TestBytesOfTheNetworkAreSummedUp(t *testing.T) {
	s, _ := opened(t)
	for i, result := range []string{
		`{"network":[{"host":"a.test","port":443,"connections":2,"bytes_sent":10,` +
			`"bytes_received":20,"duration":0.5}]}`,
		`{"network":[{"host":"a.test","port":443,"connections":1,"bytes_sent":1,` +
			`"bytes_received":2,"duration":0.25},` +
			`{"host":"b.test","port":80,"connections":1,"bytes_sent":500,"bytes_received":0}]}`,
		`{"network":null}`, `not JSON`, `{"network":[7]}`,
	} {
		e := one(i)
		e.Result = []byte(result)
		if err := s.Add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.Stats(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Traffic{{"b.test", 80, 1, 1, 500, 0, 0}, {"a.test", 443, 2, 3, 11, 22, 0.75}}
	if !slices.Equal(st.Network, want) {
		t.Errorf("%+v", st.Network)
	}
}

func TestWhatIsAddedIsFoundAndSummedUp(t *testing.T) {
	s, path := opened(t)
	for i := range 100 {
		if err := s.Add(t.Context(), one(i)); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.Stats(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if st.Total != 100 || st.ByStatus["ok"] != 67 || st.ByLanguage["node"] != 50 ||
		st.ByEvent["syscall_blocked"] != 200 {
		t.Errorf("%+v", st)
	}
	if *st.Time != (Percentiles{0.05, 0.09, 0.099, 0.1}) || st.Memory.P50 != 50<<20 {
		t.Errorf("%+v %+v", st.Time, st.Memory)
	}
	list, err := s.List(t.Context(), 3)
	if err != nil || len(list) != 3 || list[0].ID != "id000099" {
		t.Errorf("%+v %v", list, err)
	}
	e, err := s.Get(t.Context(), "id000042")
	if err != nil || e.Took != 43*time.Millisecond {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := s.Get(t.Context(), "id00009"); err == nil || hint.Of(err) == "" {
		t.Errorf("an ambiguous id: %v", err)
	}
	if _, err := s.Get(t.Context(), "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if later, err := s.Stats(t.Context(),
		time.Now().Add(time.Hour)); err != nil || later.Total != 0 ||
		later.Time != nil {
		t.Errorf("%+v %v", later, err)
	}
}

func TestOldAndTooManyAreRemoved(t *testing.T) {
	s, _ := opened(t)
	old := one(1)
	old.Time = time.Now().Add(-MaxAge - time.Hour)
	if err := s.Add(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		e := one(i + 100)
		e.Result = []byte(strings.Repeat("x", 20_000))
		if err := s.Add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), old.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old one is there: %v", err)
	}
	tx, err := s.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := prune(t.Context(), tx, time.Now().Add(-MaxAge), 500_000); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats(t.Context(), time.Time{})
	if err != nil || st.Total == 0 || st.Total > 25 {
		t.Errorf("%d left: %v", st.Total, err)
	}
	if _, err := s.Get(t.Context(), "id000149"); err != nil {
		t.Errorf("the newest one is gone: %v", err)
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	_, path := opened(t)
	var all sync.WaitGroup
	for w := range 10 {
		all.Add(1)
		go func() {
			defer all.Done()
			s, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for i := range 5 {
				if err := s.Add(t.Context(), one(w*100+i)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
	s, _ := OpenExisting(path)
	defer s.Close()
	if st, err := s.Stats(t.Context(), time.Time{}); err != nil || st.Total != 50 {
		t.Errorf("%+v %v", st, err)
	}
}

func TestWhatIsWrongIsSaidInOneLineWithARemedy(t *testing.T) {
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.db")
	if err := os.WriteFile(
		damaged,
		[]byte(strings.Repeat("no database ", 1000)),
		0o600,
	); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "later.db")
	s, err := Open(later)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for name, path := range map[string]string{"damaged": damaged, "of a later version": later,
		"not there": filepath.Join(dir, "none.db"), "a folder": dir} {
		if _, err := OpenExisting(path); err == nil || hint.Of(err) == "" ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
		}
	}
	s, path := opened(t)
	other, err := sql.Open("sqlite3", "file:"+path+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("DELETE FROM events"); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(context.Background(), one(1)); err == nil ||
		!strings.Contains(err.Error(), "another process") {
		t.Errorf("locked: %v", err)
	}
}
