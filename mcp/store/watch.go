package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is how often Watch looks without having been told: for file systems that tell nothing.
const lookEvery = 2 * time.Second

// Watch calls changed once when it watches, and then whenever the store at path was changed,
// exchanged, removed or made again, by whomever. It returns when ctx ends, or if the folder can't
// be watched. changed runs in the caller's goroutine.
func Watch(ctx context.Context, path string, changed func()) error {
	told, err := folder(path)
	if err != nil {
		return err
	}
	defer told.Close()
	stop := context.AfterFunc(ctx, func() { told.Close() })
	defer stop()
	var eye eye
	defer eye.close()
	for first := true; ctx.Err() == nil; first = false {
		if eye.look(ctx, path) || first {
			changed()
		}
		if err := wait(told); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.New("the watch on the allowlist's folder ended")
}

// folder watches the store's folder: its journal comes and goes there, and so does the file itself.
func folder(path string) (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	dir := filepath.Dir(path)
	if _, err := unix.InotifyAddWatch(fd, dir,
		unix.IN_DELETE|unix.IN_MOVE|unix.IN_CREATE|unix.IN_MODIFY|unix.IN_DELETE_SELF); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "watch", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), "inotify"), nil
}

// wait returns when something happened in the folder, or it is time to look.
func wait(told *os.File) error {
	if err := told.SetReadDeadline(time.Now().Add(lookEvery)); err != nil {
		return err
	}
	var buf [4096]byte
	_, err := told.Read(buf[:])
	return err
}

// eye sees whether a store is another one than at the last look.
type eye struct {
	store   *Store
	file    unix.Stat_t
	version int64
	missing bool
}

func (e *eye) close() {
	if e.store != nil {
		e.store.Close()
		e.store = nil
	}
}

// look compares the file and SQLite's data_version, which a commit of any other connection changes.
func (e *eye) look(ctx context.Context, path string) (changed bool) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		was := e.missing
		e.close()
		e.missing = true
		return !was
	}
	if e.store == nil || e.missing || st.Ino != e.file.Ino || st.Dev != e.file.Dev ||
		st.Mode != e.file.Mode || st.Uid != e.file.Uid {
		e.close()
		s, err := connect(path)
		if err != nil { // its mode is wrong, say: the reader will find out as well
			changed = e.missing || st != e.file
			e.file, e.missing = st, false
			return changed
		}
		e.store, e.file, e.missing = s, st, false
		e.version, _ = e.dataVersion(ctx)
		return true
	}
	version, err := e.dataVersion(ctx)
	if err != nil {
		e.close() // the next look begins anew
		return true
	}
	changed = version != e.version
	e.version = version
	return changed
}

func (e *eye) dataVersion(ctx context.Context) (v int64, err error) {
	err = e.store.db.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&v)
	return v, err
}
