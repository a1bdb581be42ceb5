package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is the interval at which Watch looks without an inotify event. Some file systems send
// no events.
const lookEvery = 2 * time.Second

// Watch calls changed once at the start, and again whenever the store at path has been changed,
// replaced, removed or created. It returns when ctx ends, or if the folder can't be watched.
// changed runs in the caller's goroutine.
func Watch(ctx context.Context, path string, changed func()) error {
	events, err := folder(path)
	if err != nil {
		return err
	}
	defer events.Close()
	stop := context.AfterFunc(ctx, func() { events.Close() })
	defer stop()
	var last observation
	defer last.close()
	for first := true; ctx.Err() == nil; first = false {
		if last.look(ctx, path) || first {
			changed()
		}
		if err := wait(events); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.New("the watch on the allowlist's folder ended")
}

// folder watches the store's folder, because the journal and the file itself come and go there.
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

// wait returns after an event in the folder, or after lookEvery.
func wait(events *os.File) error {
	if err := events.SetReadDeadline(time.Now().Add(lookEvery)); err != nil {
		return err
	}
	var buf [4096]byte
	_, err := events.Read(buf[:])
	return err
}

// observation is the state of a store at the last look.
type observation struct {
	store   *Store
	file    unix.Stat_t
	version int64
	missing bool
}

func (e *observation) close() {
	if e.store != nil {
		e.store.Close()
		e.store = nil
	}
}

// look compares the file and SQLite's data_version, which a commit of any other connection changes.
func (e *observation) look(ctx context.Context, path string) (changed bool) {
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
		if err != nil { // for example, a wrong mode: the reader reports it
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
		e.close() // the next look opens the file again
		return true
	}
	changed = version != e.version
	e.version = version
	return changed
}

func (e *observation) dataVersion(ctx context.Context) (v int64, err error) {
	err = e.store.db.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&v)
	return v, err
}
