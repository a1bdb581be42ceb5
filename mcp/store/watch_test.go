package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
)

var readNote = access.Item{Server: "notes", Kind: access.KindTool, Name: "read_note"}

// until waits until the list gives this answer.
func until(t *testing.T, list *access.Live, allowed bool, why string) access.Verdict {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		changed := list.Changed()
		v := list.Check(readNote)
		if v.Allowed == allowed && strings.Contains(v.Reason, why) {
			return v
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("still %+v", v)
		}
	}
}

func TestAFollowerSeesEveryChangeAtOnce(t *testing.T) {
	s := newStore(t)
	list, err := Follow(t.Context(), s.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	until(t, list, false, "no rule allows")
	add(t, s, tool("read_*"), access.Rule{Layer: access.LayerParameter, Match: "read_note",
		Schema: []byte(`{"required":["name"]}`)})
	until(t, list, true, "")
	if list.CheckArguments(readNote, access.NewArguments(nil), nil).Allowed {
		t.Error("the rule for its arguments is not there")
	}
	if _, err := s.Rollback(context.Background(), Author{User: "ada"}, 0, false); err != nil {
		t.Fatal(err)
	}
	until(t, list, false, "no rule allows")
}

func TestAFollowerRefusesEverythingWhileTheStoreIsBad(t *testing.T) {
	s := newStore(t)
	add(t, s, tool("read_*"))
	good, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Follow(t.Context(), s.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	until(t, list, true, "")
	if _, err := s.db.Exec(`INSERT INTO rules VALUES ('0', '{"layer":"tool","server":"*","match":"*","effect":"allow"}')`); err != nil {
		t.Fatal(err)
	}
	until(t, list, false, "tampered")
	// A backup that replaces it makes it valid again.
	if err := os.WriteFile(s.path+".new", good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		t.Fatal(err)
	}
	until(t, list, true, "")
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	until(t, list, false, "no such file")
}

func TestAFollowerNeedsAGoodStoreToBeginWith(t *testing.T) {
	if _, err := Follow(t.Context(), t.TempDir()+"/allow.db", nil); err == nil {
		t.Error("followed a store that is not there")
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := Watch(ctx, s.path, cancel); err != nil {
		t.Error(err)
	}
}

func TestARuleThatExpiresIsRefusedWithoutAChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allow.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	soon := time.Now().Add(2 * time.Second)
	rule := access.Rule{Layer: access.LayerTool, Match: "read", Effect: access.Allow,
		Expires: &soon}
	_, err = s.Update(t.Context(), Author{User: "test"}, "add", false,
		func(now []access.Rule) ([]access.Rule, error) { return append(now, rule), nil })
	if err != nil {
		t.Fatal(err)
	}
	list, err := Follow(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	item := access.Item{Server: "notes", Kind: access.KindTool, Name: "read"}
	changed := list.Changed()
	if v := list.Check(item); !v.Allowed {
		t.Fatalf("before its time: %+v", v)
	}
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing changed")
	}
	if v := list.Check(item); v.Allowed {
		t.Error("it is allowed after its time")
	}
	all, _, err := s.Rules(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("the store has %v %v", all, err)
	}
}
