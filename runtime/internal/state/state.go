package state

import (
	"cmp"
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
	"github.com/mcpbox/mcpbox/internal/rights"
)

// Dir is where sandboxes of this user keep their folders: /run/mcpbox for root,
// $XDG_RUNTIME_DIR/mcpbox or /tmp/mcpbox-<uid> otherwise. It is made if it is missing. instead, if
// not "", replaces root's folder, so that tests do not use the folder of real sandboxes.
func Dir(instead string) (string, error) {
	uid := os.Geteuid()
	dir := cmp.Or(instead, "/run/mcpbox")
	mode := os.FileMode(0o711) // root's sandboxes go through it with ids that own nothing
	if uid != 0 {
		mode = 0o700
		dir = "/tmp/mcpbox-" + strconv.Itoa(uid)
		if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) && ownedBy(run, uid) == nil {
			dir = filepath.Join(run, "mcpbox")
		}
	}
	if uid == 0 && instead == "" && !rights.Root() && !usable(dir, mode) {
		dir = "/tmp/mcpbox-0" // of a container, or of unshare -r
	}
	if err := Mkdir(dir, mode); err != nil {
		return "", hint.Errorf("make it, or set XDG_RUNTIME_DIR to a folder of your own",
			"state folder: %w", err)
	}
	if err := ownedBy(dir, uid); err != nil {
		return "", hint.Errorf("remove it, or set XDG_RUNTIME_DIR to a folder of your own",
			"state folder: %w", err)
	}
	return dir, nil
}

func usable(dir string, mode os.FileMode) bool {
	return Mkdir(dir, mode) == nil && ownedBy(dir, os.Geteuid()) == nil
}

// Mkdir makes a folder with just this mode, if there is none: a service manager may have set a
// umask with which the sandbox's ids could not go through it.
func Mkdir(dir string, mode os.FileMode) error {
	err := os.Mkdir(dir, mode)
	if os.IsExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// ownedBy refuses links and folders that others may write, because another user may have created
// them first.
func ownedBy(dir string, uid int) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if sys := st.Sys().(*syscall.Stat_t); !st.IsDir() || int(sys.Uid) != uid ||
		st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder of uid %d that only it can write", dir, uid)
	}
	return nil
}

// NewID returns 80 random bits in lower-case base32.
func NewID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// lockFile takes an exclusive lock, which ends with the process.
func lockFile(path string, flags, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|how)
		if err == nil {
			return f, nil
		}
		if err != unix.EINTR {
			f.Close()
			return nil, err
		}
	}
}

// Claim locks a sandbox's id until the file is closed, or this process ends.
func Claim(state, id string) (*os.File, error) {
	dir := filepath.Join(state, "locks")
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return nil, err
	}
	// A collector may remove the file after its creation and before its lock. So wait for the
	// collector, and check that the file still exists.
	path := filepath.Join(dir, id)
	const attempts = 100
	for range attempts {
		f, err := lockFile(path, os.O_CREATE, 0)
		if err != nil {
			return nil, err
		}
		if isAt(f, path) {
			return f, nil
		}
		f.Close()
	}
	return nil, fmt.Errorf("lock of sandbox %s: removed by a collector at every attempt", id)
}

// isAt reports whether path still names f, because a removed file can still be locked.
func isAt(f *os.File, path string) bool {
	mine, err1 := f.Stat()
	there, err2 := os.Lstat(path)
	return err1 == nil && err2 == nil && os.SameFile(mine, there)
}

// Release removes the claim of a sandbox that has ended.
func Release(dir, id string, lock *os.File) {
	os.Remove(filepath.Join(dir, "locks", id))
	lock.Close()
}
