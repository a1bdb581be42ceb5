package arch

import "testing"

// maxFiles is the largest number of Go files in a folder, without tests. In a larger folder, a
// reader can't find a file by its name.
const maxFiles = 25

// crowded lists folders that have more files. Remove entries; add none.
var crowded = map[string]int{}

func TestNoFolderIsCrowded(t *testing.T) {
	for path, p := range packages(t) {
		if within(path, "tests") || within(path, "cmd") {
			continue
		}
		limit := maxFiles
		if n, ok := crowded[path]; ok {
			limit = n
		}
		if n := len(p.GoFiles) + len(p.CgoFiles); n > limit {
			t.Errorf("%s has %d Go files, at most %d are allowed", path, n, limit)
		}
	}
}
