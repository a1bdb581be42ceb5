package runtime

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Starts claim their ids while other starts collect: no claim may be taken for a dead one's.
func TestACollectorNeverTakesAClaimThatIsBeingMade(t *testing.T) {
	privateState(t)
	state, err := StateDir()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var collectors sync.WaitGroup
	for range 2 {
		collectors.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := Collect(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	defer collectors.Wait()
	defer close(done)
	for range 2000 {
		id := newID()
		lock, err := claim(state, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(state, "locks", id)); err != nil {
			t.Errorf("claimed, and yet: %v", err)
		}
		os.Remove(filepath.Join(state, "locks", id))
		lock.Close()
	}
}

func TestCollectRemovesTheDeadAndLeavesTheLiving(t *testing.T) {
	privateState(t)
	state, err := StateDir()
	if err != nil {
		t.Fatal(err)
	}
	alive, err := claim(state, "alive")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	dead, err := claim(state, "dead")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"alive", "dead"} {
		if err := os.MkdirAll(filepath.Join(state, id, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	dead.Close() // as its owner's death does
	removed, err := Collect()
	if err != nil || len(removed) != 1 || removed[0] != "dead" {
		t.Errorf("collected %v, %v", removed, err)
	}
	for path, want := range map[string]bool{"alive/sub": true, "locks/alive": true, "dead": false, "locks/dead": false} {
		if _, err := os.Stat(filepath.Join(state, path)); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", path, err == nil, want)
		}
	}
}
