package cgroups

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for changes of cgroupfs files. It does not use inotify: a user has few instances,
// and each sandbox would take one. The kernel raises EPOLLPRI on a file that has changed since it
// was last read. The epoll descriptor itself waits in Go's poller, so no thread is blocked.
type poller struct {
	epoll *os.File
	raw   syscall.RawConn

	mu          sync.Mutex
	interrupted bool
}

func newPoller(fds ...int) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch cgroup: %w", err)
	}
	_ = unix.SetNonblock(fd, true)
	p := &poller{epoll: os.NewFile(uintptr(fd), "epoll")}
	for _, f := range fds {
		ev := unix.EpollEvent{Events: unix.EPOLLPRI, Fd: int32(f)}
		if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, f, &ev); err != nil {
			p.close()
			return nil, fmt.Errorf("watch cgroup: %w", err)
		}
	}
	if p.raw, err = p.epoll.SyscallConn(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// wait returns after a change, at the deadline (zero: none) or after interrupt.
func (p *poller) wait(deadline time.Time) {
	if !p.arm(deadline) {
		return
	}
	_ = p.raw.Read(func(fd uintptr) bool {
		var ev [4]unix.EpollEvent
		n, err := unix.EpollWait(int(fd), ev[:], 0)
		return n > 0 || (err != nil && err != unix.EINTR)
	})
}

func (p *poller) arm(deadline time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.interrupted && p.epoll.SetReadDeadline(deadline) == nil
}

// interrupt ends the current wait and every later one.
func (p *poller) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interrupted = true
	_ = p.epoll.SetReadDeadline(time.Unix(1, 0))
}

func (p *poller) close() { _ = p.epoll.Close() }
