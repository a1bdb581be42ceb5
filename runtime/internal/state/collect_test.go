package state

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Starts claim their ids while other starts collect. No collector may remove a new claim.
func TestACollectorNeverTakesAClaimThatIsBeingMade(t *testing.T) {
	dir := t.TempDir()
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
				if _, err := Collect(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	defer collectors.Wait()
	defer close(done)
	for range 2000 {
		id := NewID()
		lock, err := Claim(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "locks", id)); err != nil {
			t.Errorf("claimed, and yet: %v", err)
		}
		os.Remove(filepath.Join(dir, "locks", id))
		lock.Close()
	}
}

func TestCollectRemovesTheDeadAndLeavesTheLiving(t *testing.T) {
	dir := t.TempDir()
	alive, err := Claim(dir, "alive")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	dead, err := Claim(dir, "dead")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"alive", "dead"} {
		if err := os.MkdirAll(filepath.Join(dir, id, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	dead.Close() // as when its owner is killed
	removed, err := Collect(dir)
	if err != nil || len(removed) != 1 || removed[0] != "dead" {
		t.Errorf("collected %v, %v", removed, err)
	}
	for path, want := range map[string]bool{"alive/sub": true, "locks/alive": true, "dead": false,
		"locks/dead": false} {
		if _, err := os.Stat(filepath.Join(dir, path)); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", path, err == nil, want)
		}
	}
}

// Sandboxes of root go through these folders with ids that own nothing, whatever umask a service
// manager has set.
func TestAFolderHasItsModeUnderAnyUmask(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	old := unix.Umask(0o077)
	err := Mkdir(dir, 0o711)
	again := Mkdir(dir, 0o711)
	unix.Umask(old)
	if st, statErr := os.Stat(dir); err != nil || again != nil || statErr != nil ||
		st.Mode().Perm() != 0o711 {
		t.Errorf("%v, %v, %v", err, again, st)
	}
}
