package stdio

import (
	"io"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// endOfInput ends the input of a terminal in its default mode (VEOF, ^D). termios(3)
const endOfInput = 4

// Terminal joins the caller's terminal to the pty of a tool.
type Terminal struct {
	master  *os.File
	shown   chan struct{} // the tool's side is closed, and the caller has its output
	resized chan os.Signal
	restore func()
	stop    *os.File // ends the copying of input; nil: none is copied from a file
	read    sync.WaitGroup
}

// Attach starts to copy. in and out may be anything. A terminal is put into raw mode, and its
// window size is passed on.
func Attach(master *os.File, in io.Reader, out io.Writer) *Terminal {
	t := &Terminal{master: master, shown: make(chan struct{}), restore: func() {}}
	if f, ok := in.(*os.File); ok && f != nil {
		t.own(f)
	}
	switch f, isFile := in.(*os.File); {
	case isFile && f != nil:
		// What is typed after the tool's end is somebody else's.
		stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err == nil {
			t.stop = os.NewFile(uintptr(stop), "stop")
			t.read.Go(func() { copyUntil(master, int(f.Fd()), stop) })
		}
	case in != nil && !isFile:
		go func() { // ends with the process, because a blocked read can't be cancelled
			_, _ = io.Copy(master, in)
			_, _ = master.Write([]byte{endOfInput})
		}()
	}
	go func() {
		defer close(t.shown)
		if out != nil {
			_, _ = io.Copy(out, master) // EIO when the last slave is closed
		}
	}()
	return t
}

// copyUntil copies until the end of in, or until stop becomes readable. It never reads when there
// is nothing to read.
func copyUntil(to *os.File, in, stop int) {
	buf := make([]byte, 4<<10)
	fds := []unix.PollFd{{Fd: int32(in), Events: unix.POLLIN},
		{Fd: int32(stop), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[1].Revents != 0 || fds[0].Revents == 0 {
			return
		}
		n, err := unix.Read(in, buf)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
		case err != nil || n == 0:
			_, _ = to.Write([]byte{endOfInput})
			return
		default:
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	}
}

// own takes over the caller's terminal, if f is a terminal.
func (t *Terminal) own(f *os.File) {
	fd := int(f.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return
	}
	t.restore = func() { _ = term.Restore(fd, old) }
	t.resized = make(chan os.Signal, 1)
	signal.Notify(t.resized, unix.SIGWINCH)
	go func() { // the kernel sends the tool its SIGWINCH
		for range t.resized {
			if rows, cols := WindowSize(f); rows > 0 {
				_ = unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ,
					&unix.Winsize{Row: rows, Col: cols})
			}
		}
	}()
}

// Close waits for the last output of the ended tool, and restores the caller's terminal.
func (t *Terminal) Close() {
	if t == nil {
		return
	}
	<-t.shown
	t.Abandon()
}

// Abandon restores the caller's terminal at once.
func (t *Terminal) Abandon() {
	if t == nil {
		return
	}
	if t.resized != nil {
		signal.Stop(t.resized)
		close(t.resized)
	}
	if t.stop != nil {
		_, _ = t.stop.Write([]byte{1, 0, 0, 0, 0, 0, 0, 0})
		t.read.Wait()
		t.stop.Close()
	}
	t.restore()
	t.master.Close()
}

// WindowSize returns the size of a terminal, or 0, 0.
func WindowSize(in io.Reader) (rows, cols uint16) {
	f, ok := in.(*os.File)
	if !ok || f == nil {
		return 0, 0
	}
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return ws.Row, ws.Col
}
