package topology

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestTheCopyIsMadeOnlyOnce(t *testing.T) {
	state := t.TempDir()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			dir, err := Folder(state)
			if err != nil {
				t.Error(err)
				return
			}
			want, err1 := os.ReadFile(source + "/cpu/online")
			have, err2 := os.ReadFile(filepath.Join(dir, "cpu/online"))
			if err1 != nil || err2 != nil || string(want) != string(have) {
				t.Errorf("cpu/online: %q, %v; %q, %v", want, err1, have, err2)
			}
		})
	}
	wait.Wait()
	if left, err := os.ReadDir(filepath.Join(state, "topology")); err != nil || len(left) != 1 {
		t.Errorf("left in the state folder: %v, %v", left, err)
	}
}
