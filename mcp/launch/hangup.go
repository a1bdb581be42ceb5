package launch

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// WatchHangup returns a channel that is closed when the other end of a pipe or socket is gone.
// poll(2) always reports that: POLLERR for a pipe, POLLHUP for a socket.
func WatchHangup(f *os.File) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}}
		for {
			_, err := unix.Poll(fds, -1)
			switch {
			case err == unix.EINTR:
			case err != nil:
				time.Sleep(time.Second) // ENOMEM: try again later
			case fds[0].Revents&unix.POLLNVAL != 0:
				return
			case fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
				close(gone)
				return
			}
		}
	}()
	return gone
}
