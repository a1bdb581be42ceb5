package idmap

import (
	"os"
	"path/filepath"
	"testing"
)

func TestARangeOfSubordinateIDsIsTakenIfItIsLargeEnough(t *testing.T) {
	const mine = "4242"
	for _, c := range []struct {
		name, file string
		want       int // 0: none
	}{
		{"none", "", 0},
		{"by number", mine + ":100000:65536\n", 100000},
		{"one that is exactly large enough", mine + ":100000:65535\n", 100000},
		{"too small", mine + ":100000:65534\n", 0},
		{"two small ones don't add up", mine + ":100000:40000\n" + mine + ":200000:40000\n", 0},
		{"somebody else's", "other:100000:65536\n", 0},
		{"the first that fits", mine + ":1:10\n" + mine + ":300000:65536\n" + mine +
			":400000:65536\n", 300000},
		{"comments and blank lines", "# ids\n\n" + mine + ":100000:65536\n", 100000},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "subuid")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := subRange(path, 4242)
			if got != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("%d, %v; want %d", got, err, c.want)
			}
		})
	}
	if _, err := subRange(filepath.Join(t.TempDir(), "absent"), 4242); err == nil {
		t.Error("a file that is absent has a range")
	}
}

func TestRootsRangesAreDisjoint(t *testing.T) {
	dir := t.TempDir()
	seen := map[int]bool{}
	for range 50 {
		ids, lock, err := ForRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if at := ids.UID[0].Host; seen[at] || at < base || ids.ToolUID != at+ToolID {
			t.Errorf("range %+v was taken before, or is elsewhere", ids)
		}
		seen[ids.UID[0].Host] = true
	}
}
