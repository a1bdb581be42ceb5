package leftover

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLeftFilesAreFoundAfterTheFolderIsRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".cache/x", "cached")
	write("empty", "")
	f := Open([]Place{{"/home/user", dir}, {"/work", "/nosuch"}})
	defer f.Close()
	if got := f.Found(); len(got) != 0 {
		t.Errorf("nothing was left, and found is %+v", got)
	}
	write("notes/a.txt", "text")
	write("notes/b.txt", "text")
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"-elsewhere"); err != nil {
		t.Fatal(err)
	}
	got := f.Found()
	if len(got) != 1 || got[0] != (Found{"/home/user", "notes/a.txt", 2}) {
		t.Errorf("%+v", got)
	}
}
