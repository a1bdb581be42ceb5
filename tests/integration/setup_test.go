package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// node returns the interpreter, and the --mount flags that show it inside
// when it does not live in /usr.
func node(t *testing.T) (path string, mounts []string) {
	t.Helper()
	testhost.Need(t, "sandbox", "node")
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/usr/") {
		prefix := filepath.Dir(filepath.Dir(path))
		mounts = []string{"--mount", prefix + ":" + prefix + ":ro"}
	}
	return path, mounts
}

// serverModules returns the folder with the official servers.
func serverModules(t *testing.T) string { return modules(t, ".") }

// modules returns the node_modules of a folder with pinned packages, fetched once.
func modules(t *testing.T, folder string) string {
	t.Helper()
	dir, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "node_modules")
	// npm writes this file last: it is there only if the install was complete.
	if newer(filepath.Join(out, ".package-lock.json"), filepath.Join(dir, "package-lock.json")) {
		return out
	}
	testhost.Need(t, "npm")
	cmd := exec.Command("npm", "ci", "--no-progress", "--omit=dev", "--ignore-scripts")
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		testhost.Lacks(t, "registry", "%s: npm ci: %v\n%s", folder, err, said)
	}
	return out
}

func newer(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && !x.ModTime().Before(y.ModTime())
}
