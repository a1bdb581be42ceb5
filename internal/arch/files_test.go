package arch

import (
	"io/fs"
	"path/filepath"
	"testing"
)

// files lists the repository's files whose name matches, by path from its root.
func files(t *testing.T, pattern string) (paths []string) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "bin"):
			return fs.SkipDir
		}
		match, err := filepath.Match(pattern, d.Name())
		if err != nil || !match || d.IsDir() {
			return err
		}
		path, err = filepath.Rel(root, path)
		paths = append(paths, filepath.ToSlash(path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
