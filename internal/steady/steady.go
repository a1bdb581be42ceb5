// Package steady reads and writes descriptors that a sandboxed program shares and may have made
// non-blocking. It waits where an ordinary call would fail with EAGAIN.
//
//	fmt.Fprintln(steady.File(os.Stderr), "mcpbox: …")
//
// O_NONBLOCK belongs to the open file, not to the descriptor. Whoever inherits standard error can
// set it for everybody. fcntl(2)
package steady

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Stream is a file whose Read and Write wait.
type Stream struct{ f *os.File }

// File wraps f. The caller still closes f.
func File(f *os.File) Stream { return Stream{f} }

func (s Stream) Write(p []byte) (n int, err error) {
	for {
		var m int
		m, err = s.f.Write(p[n:])
		n += m
		if !errors.Is(err, unix.EAGAIN) || s.await(unix.POLLOUT) != nil {
			return n, err
		}
	}
}

func (s Stream) Read(p []byte) (n int, err error) {
	for {
		n, err = s.f.Read(p)
		if n > 0 || !errors.Is(err, unix.EAGAIN) || s.await(unix.POLLIN) != nil {
			return n, err
		}
	}
}

// await waits until a call would not block.
func (s Stream) await(events int16) error {
	conn, err := s.f.SyscallConn()
	if err != nil {
		return err
	}
	err2 := conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		for {
			if _, err = unix.Poll(fds, -1); err != unix.EINTR {
				return
			}
		}
	})
	return errors.Join(err, err2)
}
