package seccomp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener answers the refused calls of one filter.
type Listener struct {
	fd      int
	wake    int   // eventfd: ends Serve
	started error // of the eventfd
	exec    bool  // an execve was First already

	serving sync.Mutex // held by Serve; Close waits for it
	mu      sync.Mutex // guards the fields below, and wake against a late interrupt
	closing bool
	closed  bool
}

// NewListener takes ownership of fd, the listener from seccomp(2). The caller must call Close.
func NewListener(fd int) *Listener {
	l := &Listener{fd: fd}
	l.wake, l.started = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	unix.CloseOnExec(fd)
	setSyncWakeUp(fd)
	return l
}

// Serve passes every refused call to decide and answers it. It returns nil when the last task under
// the filter has ended or Close is called, and the error of ctx when ctx ends. decide runs on
// Serve's goroutine while the program waits: it must not block. Only one Serve may run at a time.
func (l *Listener) Serve(ctx context.Context, decide func(*Call) Answer) (Stats, error) {
	l.serving.Lock()
	defer l.serving.Unlock()
	var stats Stats
	if l.started != nil {
		return stats, fmt.Errorf("seccomp listener: eventfd: %w", l.started)
	}
	stop := context.AfterFunc(ctx, l.interrupt)
	defer stop()
	for {
		if l.ending() {
			return stats, nil
		}
		if err := ctx.Err(); err != nil {
			return stats, err
		}
		state, err := l.wait()
		if err != nil || state == ended {
			return stats, err
		}
		if state == interrupted {
			continue
		}
		if err := l.one(decide, &stats); err != nil {
			return stats, err
		}
	}
}

type state int

const (
	ready       state = iota // a call is waiting
	interrupted              // find out why
	ended                    // no call will come, because all tasks have ended
)

func (l *Listener) wait() (state, error) {
	fds := [2]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN},
		{Fd: int32(l.wake), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds[:], -1)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return ended, fmt.Errorf("seccomp listener: poll: %w", err)
		case fds[1].Revents != 0:
			var count [8]byte
			_, _ = unix.Read(l.wake, count[:])
			return interrupted, nil
		case fds[0].Revents&unix.POLLIN != 0:
			return ready, nil
		case fds[0].Revents&unix.POLLNVAL != 0:
			return ended, errors.New("seccomp listener: not an open descriptor")
		case fds[0].Revents != 0: // POLLHUP alone
			return ended, nil
		}
	}
}

func (l *Listener) one(decide func(*Call) Answer, stats *Stats) error {
	var n notification
	switch errno := receive(l.fd, &n); errno {
	case 0:
	case unix.ENOENT: // killed between poll and receive
		return nil
	default:
		return fmt.Errorf("seccomp listener: receive: %w", errno)
	}
	stats.Seen++
	c := l.decode(&n)
	a := decide(c)
	r := response{id: n.id}
	switch {
	case a.File != nil:
		errno := l.give(n.id, a)
		a.File.Close()
		if errno == 0 {
			stats.Answered++
			return nil
		}
		r.err = -int32(errno) // EMFILE, or ENOENT: then the answer below fails too
	case a.Done:
		r.val = a.Result
	case a.Continue:
		r.flags = flagContinue
	case a.Errno > 0 && a.Errno < 4096: // the kernel would treat a larger one as a result
		r.err = -int32(a.Errno)
	default:
		r.err = -int32(syscall.EPERM)
	}
	switch errno := send(l.fd, &r); errno {
	case 0:
		stats.Answered++
	case unix.ENOENT:
		stats.Gone++
		if c.First { // interrupted by a signal: the kernel will repeat the call
			l.exec = false
		}
	default:
		return fmt.Errorf("seccomp listener: answer: %w", errno)
	}
	return nil
}

// interrupt makes Serve check whether it should end.
func (l *Listener) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started == nil && !l.closed {
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

func (l *Listener) ending() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closing
}

// Close ends Serve, waits for it, and closes the descriptors. Later refused calls fail with ENOSYS.
// decide must not call Close.
func (l *Listener) Close() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.interrupt()
	l.serving.Lock()
	defer l.serving.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	unix.Close(l.fd)
	if l.started == nil {
		unix.Close(l.wake)
	}
}
