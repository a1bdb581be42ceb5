package arch

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// maxFiles is the most Go files of a folder, tests not counted: more, and a reader no longer finds
// the way by the file names.
const maxFiles = 25

// crowded lists the folders that have more for now. Take entries out; add none.
var crowded = []string{"runtime", "seccomp"}

func TestNoFolderIsCrowded(t *testing.T) {
	rooms := map[string]int{}
	for _, p := range files(t, "*.go") {
		if !strings.HasSuffix(p, "_test.go") {
			rooms[path.Dir(p)]++
		}
	}
	if len(rooms) < 20 {
		t.Fatalf("%d folders only: nothing was checked", len(rooms))
	}
	for dir, n := range rooms {
		held := !within(dir, "cmd") && !within(dir, "tests") && !slices.Contains(crowded, dir)
		if n > maxFiles && held {
			t.Errorf("%s has %d files: split it by mechanism", dir, n)
		}
	}
}
