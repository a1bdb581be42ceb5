package escape

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

const secret = "the host's secret"

// secretFile is a file of the host that no sandbox is shown.
func secretFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(hostDir(t), "secret")
	if err := os.WriteFile(path, []byte(secret), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// hostDir is a folder of the host that everybody may read.
func hostDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "host-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// bystander is a process of the caller's that has nothing to do with the sandbox.
func bystander(t *testing.T) (pid string) {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return strconv.Itoa(cmd.Process.Pid)
}

func open(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// writableDir is a folder of the caller's, and at names what is in it.
func writableDir(t *testing.T) (dir string, at func(string) string) {
	t.Helper()
	dir = hostDir(t)
	return dir, func(name string) string { return dir + name }
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
