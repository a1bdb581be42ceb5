package stdio

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Streams are the descriptors that a program inherits, and the copying behind them.
type Streams struct {
	files  [3]*os.File // what the program gets
	own    []*os.File  // of these: closed after the program has inherited them
	input  *os.File    // our end of its standard input, or nil
	output *meter      // nil: nothing is copied
	before []shared    // former states of the caller's files

	devNull *os.File // in files, or nil
}

// Limits are the policy's limits of a program's output. 0 means no limit.
type Limits struct {
	Output   int64 // bytes of stdout and stderr together
	FileSize int64 // bytes of a file that the program writes
}

// Open prepares the streams. nil is /dev/null. exceeded is called once, from the goroutine that
// copies.
//
// With a limit of file sizes, this process writes a file that is stdout or stderr. The limit is for
// the program's own files, but the kernel would also apply it to the caller's: the program would
// get SIGXFSZ when it appends to a long log.
func Open(
	in io.Reader,
	out, err io.Writer,
	l Limits,
	exceeded func(limit, seen int64),
) (*Streams, error) {
	s := &Streams{output: &meter{limit: l.Output, exceeded: exceeded}}
	if e := s.open(in, out, err, l); e != nil {
		s.Passed()
		s.Close()
		return nil, e
	}
	return s, nil
}

func (s *Streams) open(in io.Reader, out, err io.Writer, l Limits) error {
	if e := s.stdin(in); e != nil {
		return e
	}
	if e := s.stdout(1, out, l); e != nil {
		return e
	}
	if (same(out, err) || l.copied(out) && sameFile(out, err)) && s.files[1] != nil &&
		l.Output == 0 {
		// One pipe, so that two goroutines don't call the caller's writer at once.
		s.files[2] = s.files[1]
		return nil
	}
	return s.stdout(2, err, l)
}

// copied reports whether the program gets a pipe in place of this file.
func (l Limits) copied(out io.Writer) bool {
	if l.Output > 0 {
		return true
	}
	st := stat(out)
	return l.FileSize > 0 && st != nil && st.Mode().IsRegular()
}

// sameFile reports whether both are one file, so that the order of all output must be kept.
func sameFile(a, b io.Writer) bool {
	x, y := stat(a), stat(b)
	return x != nil && y != nil && os.SameFile(x, y)
}

func stat(w io.Writer) os.FileInfo {
	if f, ok := w.(*os.File); ok && f != nil {
		if st, err := f.Stat(); err == nil {
			return st
		}
	}
	return nil
}

// same reports whether both are the same writer, as in os/exec.
func same(a, b io.Writer) (equal bool) {
	defer func() {
		if recover() != nil { // not comparable
			equal = false
		}
	}()
	return a != nil && a == b
}

func (s *Streams) stdin(in io.Reader) error {
	switch f, isFile := in.(*os.File); {
	case in == nil || isFile && f == nil:
		return s.null(0)
	case isFile:
		return s.file(0, f)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("stdio: %w", err)
	}
	s.files[0], s.own, s.input = read, append(s.own, read), write
	go func() {
		_, _ = io.Copy(write, in) // EPIPE: the program has stopped reading
		write.Close()
	}()
	return nil
}

func (s *Streams) stdout(i int, out io.Writer, l Limits) error {
	f, isFile := out.(*os.File)
	if out == nil || isFile && f == nil {
		return s.null(i)
	}
	if isFile {
		if err := s.file(i, f); err != nil || !l.copied(f) {
			return err
		}
	}
	write, err := s.output.pipe(out)
	if err != nil {
		return fmt.Errorf("stdio: %w", err)
	}
	s.files[i], s.own = write, append(s.own, write)
	return nil
}

// null is one open file for all streams of the program. Programs never share one: a lock on it
// would be everybody's. os.OpenFile would register it with the poller, in vain.
func (s *Streams) null(i int) error {
	if s.devNull == nil {
		fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("stdio: open %s: %w", os.DevNull, err)
		}
		s.devNull = os.NewFile(uintptr(fd), os.DevNull)
		s.own = append(s.own, s.devNull)
	}
	s.files[i] = s.devNull
	return nil
}

func (s *Streams) file(i int, f *os.File) error {
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return hint.Errorf("give it a file, a pipe or /dev/null",
			"stdio: descriptor %d is a folder: the tool could leave its root through it", i)
	}
	s.files[i] = f
	s.remember(f)
	return nil
}

// Files returns stdin, stdout and stderr for the program.
func (s *Streams) Files() [3]*os.File { return s.files }

// FDs returns the numbers of Files.
func (s *Streams) FDs() []int {
	return []int{int(s.files[0].Fd()), int(s.files[1].Fd()), int(s.files[2].Fd())}
}

// Passed closes this process's copies of the program's descriptors.
func (s *Streams) Passed() {
	if s == nil {
		return
	}
	for _, f := range s.own {
		f.Close()
	}
	s.own = nil
}

// drainTime bounds the wait for a caller's writer that blocks.
const drainTime = 2 * time.Second

// Drain restores the caller's files, waits until all output of the ended program has been copied,
// and frees the rest.
func (s *Streams) Drain() {
	if s == nil {
		return
	}
	s.restore()
	s.output.drain(drainTime)
	s.Close()
}

// Close ends the copying.
func (s *Streams) Close() {
	if s == nil {
		return
	}
	if s.input != nil {
		s.input.Close()
	}
	s.output.close()
}
