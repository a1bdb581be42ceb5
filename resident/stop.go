package resident

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// dial connects to this executable's resident.
func dial(stateDir string) (*net.UnixConn, error) {
	path, err := Path(stateDir)
	if err != nil {
		return nil, err
	}
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, hint.Errorf("mcpbox resident", "no resident of this mcpbox listens: %w", err)
	}
	return c, nil
}

// Collect removes the sockets of residents that were killed, and returns their paths.
func Collect(stateDir string) (removed []string, err error) {
	paths, err := filepath.Glob(filepath.Join(stateDir, "resident-*"))
	for _, path := range paths {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		switch {
		case err == nil:
			c.Close()
		case errors.Is(err, unix.ECONNREFUSED) && os.Remove(path) == nil: // nobody listens any more
			removed = append(removed, path)
		}
	}
	return removed, err
}

// Listening returns nil if there is a resident.
func Listening(stateDir string) error {
	c, err := dial(stateDir)
	if err != nil {
		return err
	}
	return c.Close()
}

// Find returns where the resident listens, and its process id.
func Find(stateDir string) (path string, pid int, err error) {
	c, err := dial(stateDir)
	if err != nil {
		return "", 0, err
	}
	defer c.Close()
	who, err := credentials(c)
	if err != nil {
		return "", 0, err
	}
	path, err = Path(stateDir) // the socket's own address is the name that it had at first
	return path, int(who.Pid), err
}

// Stop ends the resident and waits for its end.
func Stop(ctx context.Context, stateDir string) error {
	c, err := dial(stateDir)
	if err != nil {
		return err
	}
	defer c.Close()
	pidfd, err := process(c)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if err := unix.PidfdSendSignal(pidfd, unix.SIGTERM, nil, 0); err != nil {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	c.Close()        // it waits for who is connected
	const step = 100 // ms
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, step)
		if n > 0 || err != nil && err != unix.EINTR {
			return nil
		}
	}
	return context.Cause(ctx)
}

// process is a descriptor of the process that listens.
func process(c *net.UnixConn) (pidfd int, err error) {
	who, err := credentials(c)
	if err != nil {
		return -1, err
	}
	return unix.PidfdOpen(int(who.Pid), 0)
}

// credentials are of the process that listens, which is this user's.
func credentials(c *net.UnixConn) (who *unix.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var got error
	if err := raw.Control(func(fd uintptr) {
		who, got = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || got != nil {
		return nil, fmt.Errorf("SO_PEERCRED: %w", got)
	}
	if int(who.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("uid %d listens, not you", who.Uid)
	}
	return who, nil
}
