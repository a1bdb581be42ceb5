package runtime

import (
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// endOfInput is the character that ends the input of a terminal in its default mode (VEOF, ^D). termios(3)
const endOfInput = 4

// attach joins the caller's terminal to the pty of the tool until the tool's
// side is closed; restore puts the caller's terminal back.
func (r *Running) attach(in, out *os.File) (done chan struct{}, restore func()) {
	done = make(chan struct{})
	restore = func() {}
	if in != nil {
		if old, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
			raw := *old
			raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
			raw.Oflag &^= unix.OPOST
			raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
			raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
			if unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &raw) == nil {
				restore = func() { unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, old) }
			}
		}
		go func() { // ends with the process: a blocked read can't be taken back
			io.Copy(r.master, in)
			r.master.Write([]byte{endOfInput})
		}()
		resized := make(chan os.Signal, 1)
		signal.Notify(resized, unix.SIGWINCH)
		go r.followSize(in, resized)
	}
	go func() {
		defer close(done)
		if out != nil {
			io.Copy(out, r.master) // EIO when the last slave is closed
		}
	}()
	return done, restore
}

// followSize carries the window size over; the kernel sends the tool its SIGWINCH.
func (r *Running) followSize(in *os.File, resized <-chan os.Signal) {
	for range resized {
		if rows, cols := windowSize(in); rows > 0 {
			unix.IoctlSetWinsize(int(r.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
		}
	}
}
