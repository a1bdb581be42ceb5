package arch

import "testing"

// maxFiles is the largest number of Go files in a folder, without tests. In a larger folder, a
// reader can't find a file by its name.
const maxFiles = 25

func TestNoFolderIsCrowded(t *testing.T) {
	for path, p := range packages(t) {
		if within(path, "tests") || within(path, "cmd") {
			continue
		}
		if n := len(p.GoFiles) + len(p.CgoFiles); n > maxFiles {
			t.Errorf("%s has %d Go files, at most %d are allowed", path, n, maxFiles)
		}
	}
}
