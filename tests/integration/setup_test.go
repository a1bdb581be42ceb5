package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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

var install = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("npm", "ci", "--no-progress").CombinedOutput()
	return string(out), err
})

// serverModules returns the folder with the pinned servers, fetched once.
func serverModules(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	// npm writes this file last: it is there only if the install was complete.
	if newer(filepath.Join(dir, ".package-lock.json"), "package-lock.json") {
		return dir
	}
	testhost.Need(t, "npm")
	if out, err := install(); err != nil {
		testhost.Lacks(t, "registry", "npm ci: %v\n%s", err, out)
	}
	return dir
}

func newer(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && !x.ModTime().Before(y.ModTime())
}
