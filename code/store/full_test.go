package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/testhost"
)

// Whoever may write the file, or put a journal beside it, decides what the history says.
func TestAStoreThatOthersMayWriteIsRefused(t *testing.T) {
	s, path := opened(t)
	s.Close()
	for _, p := range []string{path, filepath.Dir(path)} {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, st.Mode().Perm()|0o020); err != nil {
			t.Fatal(err)
		}
		for name, open := range map[string]func(string) (*Store, error){"Open": Open,
			"OpenExisting": OpenExisting} {
			if s, err := open(path); err == nil || !strings.Contains(err.Error(),
				"others may write "+p) || hint.Of(err) == "" {
				t.Errorf("%s with %s writable: %v", name, p, err)
				if s != nil {
					s.Close()
				}
			}
		}
		if err := os.Chmod(p, st.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := Open(path); err != nil {
		t.Error(err)
	} else {
		s.Close()
	}
}

const fullVariable = "MCPBOX_TEST_FULL_DISK"

// A full disk is an error that says so. What was there can be read, and with room again it goes on.
func TestAFullDisk(t *testing.T) {
	if os.Getenv(fullVariable) == "" {
		testhost.Need(t, "sandbox") // that is, user namespaces
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestAFullDisk$",
			"-test.v")
		cmd.Env = append(os.Environ(), fullVariable+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	dir := os.Getenv(fullVariable)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "executions.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Add(t.Context(), one(0)); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	large := one(1)
	large.Result = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	if err := s.Add(t.Context(), large); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error %v", err)
	}
	if list, err := s.List(t.Context(), 10); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if other, err := Open(filepath.Join(dir, "new", "executions.db")); err == nil {
		t.Error("a new store was made on a full disk")
		other.Close()
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), one(2)); err != nil {
		t.Error(err)
	}
}
