// Package logfile opens the files that mcpbox writes about a run: events, results, audit records.
//
//	f, err := logfile.Open("events file", path, os.O_APPEND)
//
// Only the owner may read a new file. Open does not follow a symbolic link, because another user
// may have created it. A FIFO without a reader is an error; Open does not wait for one. A file of
// another user, or one that everybody may write, is refused: in a folder such as /tmp, an attacker
// may have created it first to change its content later. Open does not check the folders in the
// path.
package logfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Open opens path for writing. how is os.O_APPEND or os.O_TRUNC. An error calls the file what.
func Open(what, path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path,
		how|os.O_CREATE|os.O_WRONLY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, hint.Errorf("name the file itself", "%s %q is a symbolic link", what, path)
	case errors.Is(err, syscall.ENXIO):
		return nil, hint.Errorf("start the reader first", "%s %q has no reader", what, path)
	case err != nil:
		return nil, hint.Wrap(fmt.Errorf("%s: %w", what, err),
			"name a file in a folder that you may write to")
	}
	if err := private(f); err != nil {
		f.Close()
		return nil, hint.Errorf("name a file of your own, or chmod o-w it", "%s %q: %w", what, path,
			err)
	}
	return f, nil
}

var errForeign = errors.New("another user may write it")

func private(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, kind := info.Sys().(*syscall.Stat_t), info.Mode().Type()
	if kind != 0 && kind != os.ModeNamedPipe { // a device belongs to the system
		return nil
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o002 != 0 {
		return errForeign
	}
	return nil
}
