package stdio

import (
	"io"
	"os"
	"os/signal"

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
}

// Attach starts to copy. in and out may be anything. A terminal is put into raw mode, and its
// window size is passed on.
func Attach(master *os.File, in io.Reader, out io.Writer) *Terminal {
	t := &Terminal{master: master, shown: make(chan struct{}), restore: func() {}}
	if f, ok := in.(*os.File); ok && f != nil {
		t.own(f)
	}
	if in != nil {
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
