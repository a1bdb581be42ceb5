package limits

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/tests/internal/built"
	"golang.org/x/sys/unix"
)

// host describes the places where a run could leave something. Others may use this host at the same
// time, so only things without an owner count: owners hold locks.
type host struct {
	state  string // folder
	mounts int    // mcpbox's lines in this process's mount table
}

// adopt makes this process the parent of every orphan that its runs leave, and records the state of
// the host. prctl(2), PR_SET_CHILD_SUBREAPER
func adopt(t *testing.T) host {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	return host{stateDir(), mounts(t)}
}

func stateDir() string {
	switch run := os.Getenv("XDG_RUNTIME_DIR"); {
	case os.Geteuid() == 0:
		return "/run/mcpbox"
	case run != "":
		return filepath.Join(run, "mcpbox")
	}
	return "/tmp/mcpbox-" + strconv.Itoa(os.Geteuid())
}

func mounts(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "mcpbox")
}

// nothingNew fails if the runs since adopt have left anything behind.
func (h host) nothingNew(t *testing.T) {
	t.Helper()
	for _, p := range descendants(t) {
		t.Errorf("process left: %s", p)
	}
	if n := mounts(t); n != h.mounts {
		t.Errorf("%d mounts left", n-h.mounts)
	}
	for _, what := range append(h.ownerlessState(t), ownerlessCgroups(t)...) {
		t.Errorf("left: %s", what)
	}
}

// descendants waits until dying orphans have ended, and lists the others.
func descendants(t *testing.T) []string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for {
			var ws unix.WaitStatus
			if pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil); pid <= 0 || err != nil {
				if err == unix.ECHILD {
					return nil
				}
				break
			}
		}
		if time.Now().After(end) {
			break
		}
	}
	out, _ := exec.Command("ps", "-o", "pid,ppid,stat,wchan:20,args", "--ppid",
		strconv.Itoa(os.Getpid())).Output()
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// ownerlessState lists the state folders and locks without an owner.
func (h host) ownerlessState(t *testing.T) (left []string) {
	t.Helper()
	locks, _ := os.ReadDir(filepath.Join(h.state, "locks"))
	for _, e := range locks {
		if path := filepath.Join(h.state, "locks", e.Name()); !held(path) {
			left = append(left, path)
		}
	}
	dirs, err := os.ReadDir(h.state)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range dirs {
		resident := strings.HasPrefix(e.Name(), "resident-") // a socket that another run may use
		if slices.Contains([]string{"ids", "locks", "root", "topology"}, e.Name()) || resident {
			continue
		}
		if path := filepath.Join(h.state, e.Name()); !held(filepath.Join(h.state, "locks",
			e.Name())) && exists(path) {
			left = append(left, path)
		}
	}
	return left
}

// ownerlessCgroups lists the cgroups of sandboxes without an owner, anywhere in the hierarchy.
func ownerlessCgroups(t *testing.T) (left []string) {
	t.Helper()
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), "mcpbox-") ||
			strings.HasSuffix(e.Name(), ".scope") {
			return nil
		}
		if !held(path) && exists(path) {
			left = append(left, path)
		}
		return filepath.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// held reports whether somebody holds a lock on the file. A file that does not exist counts as
// held: its owner has just removed it.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// gc runs `mcpbox gc` and returns its output.
func gc(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(built.Mcpbox(t), "gc").CombinedOutput()
	if err != nil {
		t.Errorf("mcpbox gc: %v: %s", err, out)
	}
	return string(out)
}
