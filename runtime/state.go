package runtime

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// stateDirForTest keeps tests out of the folder of real sandboxes.
var stateDirForTest string

// StateDir is where sandboxes of this user keep their folders: /run/mcpbox for
// root, $XDG_RUNTIME_DIR/mcpbox or /tmp/mcpbox-<uid> otherwise. It is made if missing.
func StateDir() (string, error) {
	uid := os.Geteuid()
	dir, mode := "/run/mcpbox", os.FileMode(0o711) // root's sandboxes traverse it with ids that own nothing
	if stateDirForTest != "" {
		dir = stateDirForTest
	}
	if uid != 0 {
		mode = 0o700
		dir = "/tmp/mcpbox-" + strconv.Itoa(uid)
		if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) && ownedBy(run, uid) == nil {
			dir = filepath.Join(run, "mcpbox")
		}
	}
	if err := os.Mkdir(dir, mode); err != nil && !os.IsExist(err) {
		return "", hint.Errorf("make it, or set XDG_RUNTIME_DIR to a folder of your own", "state folder: %w", err)
	}
	if err := ownedBy(dir, uid); err != nil {
		return "", hint.Errorf("remove it, or set XDG_RUNTIME_DIR to a folder of your own", "state folder: %w", err)
	}
	return dir, nil
}

// ownedBy refuses links and folders that others may write: somebody may have been there first.
func ownedBy(dir string, uid int) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if sys := st.Sys().(*syscall.Stat_t); !st.IsDir() || int(sys.Uid) != uid || st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder of uid %d that only it can write", dir, uid)
	}
	return nil
}

// newID is 80 random bits in lower-case base32.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// lockFile takes an exclusive lock that ends with the process; ok is false if somebody else holds it.
func lockFile(path string) (f *os.File, ok bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, false, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if err == unix.EWOULDBLOCK {
			return nil, false, nil
		}
		return nil, false, err
	}
	return f, true, nil
}

// claim locks a sandbox's id for as long as this process lives.
func claim(state, id string) (*os.File, error) {
	dir := filepath.Join(state, "locks")
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return nil, err
	}
	f, ok, err := lockFile(filepath.Join(dir, id))
	if err == nil && !ok {
		err = fmt.Errorf("sandbox %s exists", id)
	}
	return f, err
}

// Collect removes what sandboxes left whose supervisor was killed, and returns their ids.
func Collect() ([]string, error) {
	state, err := StateDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(state, "locks"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	var removed []string
	for _, e := range entries {
		path := filepath.Join(state, "locks", e.Name())
		f, ok, err := lockFile(path)
		if err != nil || !ok {
			continue
		}
		if err := os.RemoveAll(filepath.Join(state, e.Name())); err == nil {
			os.Remove(path)
			removed = append(removed, e.Name())
		}
		f.Close()
	}
	return removed, err
}
