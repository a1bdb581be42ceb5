package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
)

func TestAStoreIsForItsOwnerAlone(t *testing.T) {
	s := newStore(t)
	add(t, s, tool("read_note"))
	for path, want := range map[string]os.FileMode{s.path: 0o600,
		filepath.Dir(s.path): 0o700 | os.ModeDir} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, not %v", path, info.Mode(), want)
		}
	}
	if err := os.Chmod(s.path, 0o620); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenExisting(s.path); err == nil ||
		!strings.Contains(err.Error(), "others may write") {
		t.Errorf("a store that the group may write opens: %v", err)
	}
	if err := os.Chmod(s.path, 0o600); err != nil {
		t.Fatal(err)
	}
	// A user who can create a file next to the store can create a journal there. SQLite rolls it
	// back, which can replace the whole store.
	for _, mode := range []os.FileMode{0o777 | os.ModeSticky, 0o770} {
		if err := os.Chmod(filepath.Dir(s.path), mode); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(t.TempDir(), "link.db")
		if err := os.Symlink(s.path, link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{s.path, link} {
			if _, err := OpenExisting(path); err == nil ||
				!strings.Contains(err.Error(), "others may write") {
				t.Errorf("%s in a folder of mode %v opens: %v", path, mode, err)
			}
		}
	}
}

func TestReadingDoesNotCreateAStore(t *testing.T) {
	path := t.TempDir() + "/allow.db"
	if _, err := OpenExisting(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there now: %v", err)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	text, other := dir+"/notes.txt", dir+"/other.db"
	if err := os.WriteFile(text, []byte(strings.Repeat("milk, eggs\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`PRAGMA application_id = 7`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for path, want := range map[string]string{text: "not an SQLite file",
		other: "not an allowlist"} {
		for _, open := range []func(string) (*Store, error){Open, OpenExisting} {
			if _, err := open(path); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, not %q", path, err, want)
			}
		}
	}
}

func TestEveryChangeIsInTheHistory(t *testing.T) {
	s := newStore(t)
	add(t, s, tool("read_note"), tool("<&>é"))
	deny := tool("read_note")
	deny.Effect = access.Deny
	ctx := context.Background()
	replace := func([]access.Rule) ([]access.Rule, error) { return []access.Rule{deny}, nil }
	dry, err := s.Update(ctx, Author{User: "bob"}, "import", true, replace)
	if err != nil || len(dry.Changes) != 2 {
		t.Fatalf("dry: %+v, %v", dry, err)
	}
	if got := names(t, s); len(got) != 2 {
		t.Fatalf("a dry run changed the rules to %q", got)
	}
	if _, err := s.Update(ctx, Author{User: "bob"}, "import", false, replace); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Update(ctx, Author{User: "bob"}, "import", false, replace); e != nil ||
		err != nil {
		t.Errorf("a change that changes nothing: %+v, %v", e, err)
	}
	entries, problems, err := s.History(ctx)
	if err != nil || problems != nil || len(entries) != 2 {
		t.Fatalf("%d entries, %q, %v", len(entries), problems, err)
	}
	e := entries[0]
	if e.Seq != 1 || e.Operator != "ada" || e.As != "on call" || e.Action != "add" ||
		e.Prev != firstPrev || time.Since(e.Time) > time.Hour {
		t.Errorf("first entry: %+v", e)
	}
	e = entries[1]
	if e.Prev != entries[0].Hash || len(e.Changes) != 2 {
		t.Errorf("second entry: %+v", e)
	}
	if e, err := s.Rollback(ctx, Author{User: "ada"}, 1, false); err != nil ||
		e.Action != "rollback to 1" {
		t.Fatalf("rollback: %+v, %v", e, err)
	}
	if got := names(t, s); !slices.Equal(got, []string{"<&>é", "read_note"}) {
		t.Errorf("after the rollback: %q", got)
	}
	if _, err := s.Rollback(ctx, Author{User: "ada"}, 4, false); err == nil {
		t.Error("rolled back to an entry that is not there")
	}
	if _, err := s.Rollback(ctx, Author{User: "ada"}, 0, false); err != nil ||
		len(names(t, s)) != 0 {
		t.Errorf("rollback to nothing: %v, %q", err, names(t, s))
	}
	if head, problems, err := s.Verify(ctx, ""); err != nil || problems != nil || head.Seq != 4 {
		t.Errorf("verify: %v, %q, %v", head, problems, err)
	}
}

func TestABadRuleChangesNothing(t *testing.T) {
	s := newStore(t)
	_, err := s.Update(context.Background(), Author{User: "ada"}, "import", false,
		func([]access.Rule) ([]access.Rule, error) {
			return []access.Rule{tool("good"), tool("[bad")}, nil
		})
	if err == nil || len(names(t, s)) != 0 {
		t.Errorf("%v, %q", err, names(t, s))
	}
}

// Each case changes the file with SQL, as an attacker with access to it would.
func TestTamperingIsFound(t *testing.T) {
	const drop = `DROP TRIGGER log_keeps_words; DROP TRIGGER log_keeps_entries;`
	restore := strings.Join(tables()[2:], ";") + ";"
	for _, c := range []struct{ name, sql, want string }{
		{"an edited entry", drop + `UPDATE log SET operator = 'eve' WHERE seq = 2;` + restore,
			"entry 2 was edited"},
		{"an edited entry with a new hash", drop + `UPDATE log SET operator = 'eve', hash = '` +
			strings.Repeat("0", 64) + `' WHERE seq = 2;` + restore,
			"entry 3 does not follow entry 2"},
		{"a removed entry", drop + `DELETE FROM log WHERE seq = 2;` + restore,
			"after entry 1 comes entry 3"},
		{"a removed entry, renumbered", drop +
			`DELETE FROM log WHERE seq = 2; UPDATE log SET seq = 2 WHERE seq = 3;` + restore,
			"entry 2 was edited"},
		{"two entries exchanged", drop +
			`UPDATE log SET seq = 9 WHERE seq = 1; UPDATE log SET seq = 1 WHERE seq = 2; UPDATE log SET seq = 2 WHERE seq = 9;` + restore, "entry 1 was edited"},
		{"the last entry cut off, and what it did", drop +
			`DELETE FROM log WHERE seq = 3; DELETE FROM rules WHERE body LIKE '%three%';` + restore,
			"entries were removed from its end"},
		{"a rule slipped in",
			`INSERT INTO rules VALUES ('0123', '{"layer":"tool","server":"*","match":"rm","effect":"allow"}')`, "no entry of the log added it"},
		{"a rule changed", `UPDATE rules SET body = replace(body, 'two', 'own')`,
			"differs from the log"},
		{"a rule removed", `DELETE FROM rules WHERE body LIKE '%two%'`,
			"in the log, but not in force"},
		{"a trigger that undoes",
			`CREATE TRIGGER undo AFTER INSERT ON rules BEGIN DELETE FROM rules WHERE id = new.id; END`, "its tables or triggers"},
		{"the guards gone", drop, "its tables or triggers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			for _, name := range []string{"one", "two", "three"} {
				add(t, s, tool(name))
			}
			ctx := context.Background()
			if _, problems, err := s.Verify(ctx, ""); err != nil || problems != nil {
				t.Fatalf("before: %q, %v", problems, err)
			}
			if _, err := s.db.Exec(c.sql); err != nil {
				t.Fatal(err)
			}
			_, problems, err := s.Verify(ctx, "")
			if err != nil || !strings.Contains(strings.Join(problems, "\n"), c.want) {
				t.Errorf("verify: %q, %v; want %q", problems, err, c.want)
			}
			if _, _, err := s.Rules(ctx); !errors.Is(err, ErrTampered) {
				t.Errorf("the rules are given out: %v", err)
			}
			_, err = s.Update(ctx, Author{User: "ada"}, "add", false,
				func(now []access.Rule) ([]access.Rule, error) {
					return append(now, tool("four")),
						nil
				})
			if !errors.Is(err, ErrTampered) {
				t.Errorf("the log goes on: %v", err)
			}
		})
	}
}

// An attacker can cut off the newest entries without a trace in the file. A head that was noted
// before reveals it.
func TestAnEarlierHeadRevealsACutLog(t *testing.T) {
	s := newStore(t)
	add(t, s, tool("one"))
	ctx := context.Background()
	first, _, err := s.Verify(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, tool("two"))
	noted, _, err := s.Verify(ctx, first.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`DROP TRIGGER log_keeps_entries; DELETE FROM log WHERE seq = 2; DELETE FROM rules WHERE body LIKE '%two%';
		UPDATE sqlite_sequence SET seq = 1; ` + tables()[2]); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expect string
		found  bool
	}{{"", false}, {first.String(), false}, {noted.String(), true}} {
		if _, problems, err := s.Verify(ctx, c.expect); err != nil || (problems != nil) != c.found {
			t.Errorf("expect %q: %q, %v", c.expect, problems, err)
		}
	}
}

func TestADamagedFileIsReportedAsDamaged(t *testing.T) {
	s := newStore(t)
	add(t, s, generation(0)...)
	s.Close()
	data, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(data); i += 512 {
		data[i] ^= 0xff
	}
	if err := os.WriteFile(s.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged, err := OpenExisting(s.path)
	if err == nil {
		_, _, err = damaged.Rules(context.Background())
		damaged.Close()
	}
	if err == nil {
		t.Error("a damaged store gives rules out")
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	s := newStore(t)
	var wg sync.WaitGroup
	const writers, each = 4, 5
	for w := range writers {
		wg.Go(func() {
			own, err := OpenExisting(s.path)
			if err != nil {
				t.Error(err)
				return
			}
			defer own.Close()
			for i := range each {
				add(t, own, tool(fmt.Sprintf("w%d_%d", w, i)))
			}
		})
	}
	wg.Wait()
	if got := names(t, s); len(got) != writers*each {
		t.Errorf("%d rules, not %d", len(got), writers*each)
	}
	if head, problems, err := s.Verify(context.Background(), ""); err != nil || problems != nil ||
		head.Seq != writers*each {
		t.Errorf("%v, %q, %v", head, problems, err)
	}
}

// The importer is killed while its journal exists, so in the middle of a transaction. Each round
// kills it a little later.
func TestAKilledImportIsCompleteOrAbsent(t *testing.T) {
	s := newStore(t)
	path := s.path
	if _, err := s.Update(context.Background(), Author{User: "ada"}, "import", false,
		func([]access.Rule) ([]access.Rule, error) { return generation(1), nil }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	hit := 0
	for round := range 12 {
		killImporter(t, path, round)
		if _, err := os.Stat(path + "-journal"); err == nil {
			hit++
		}
		again, err := OpenExisting(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		_, problems, err := again.Verify(context.Background(), "")
		if err != nil || problems != nil {
			t.Fatalf("round %d: %q, %v", round, problems, err)
		}
		list := names(t, again)
		if len(list) != 200 || list[0][:3] != list[199][:3] {
			t.Fatalf("round %d: %d rules, from %q to %q", round, len(list), list[0],
				list[len(list)-1])
		}
		again.Close()
	}
	t.Logf("%d of 12 killed in the middle", hit)
	if hit == 0 {
		t.Error("no import was killed in the middle: nothing was tested")
	}
}

func killImporter(t *testing.T, path string, later int) {
	t.Helper()
	told, err := folder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), importer+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for seen := 0; seen <= later%3; {
		if err := wait(told); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-journal"); err == nil {
			seen++
		}
	}
	for range later * 500 {
		os.Getppid()
	}
	cmd.Process.Kill()
	cmd.Wait()
}
