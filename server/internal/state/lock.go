package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// ErrTaken: another daemon has it.
var ErrTaken = errors.New("in use by another mcpbox serve")

// Lock takes a file for this process until it is closed, or the process ends. what names the thing
// in the error.
func Lock(path, what string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, hint.Errorf("choose a folder that you may write", "%s: %w", what, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: lock: %w", what, err)
		}
		owner, _ := io.ReadAll(io.LimitReader(f, 32))
		return nil, hint.Errorf("stop it, or give this one another --socket and --state",
			"%s: %w (pid %s)", what, ErrTaken, strings.TrimSpace(string(owner)))
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: lock: %w", what, err)
	}
	return f, nil
}
