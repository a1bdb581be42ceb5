package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// missing skips, or fails where the caller promised that nothing is missing.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("MCPBOX_REQUIRE") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// node returns the interpreter, and the --mount flags that show it inside
// when it does not live in /usr.
func node(t *testing.T) (path string, mounts []string) {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		missing(t, "no node on this machine: %v (apt-get install nodejs)", err)
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
	if _, err := exec.LookPath("npm"); err != nil {
		missing(t, "the servers are not installed and there is no npm: %v (apt-get install npm)", err)
	}
	if out, err := install(); err != nil {
		missing(t, "npm ci: %v\n%s", err, out)
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
