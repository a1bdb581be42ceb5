package stdio

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Streams are the descriptors that a program inherits, and the copying behind them.
type Streams struct {
	files  [3]*os.File // what the program gets
	own    []*os.File  // of these: to be closed once it has them
	input  *os.File    // our end of its standard input, or nil
	output *meter      // nil: nothing is copied
}

// Open prepares the streams. nil is /dev/null. limit bounds stdout and stderr together, in bytes; 0 is no
// limit. exceeded is called once, from the goroutine that copies.
func Open(in io.Reader, out, err io.Writer, limit int64, exceeded func(limit, seen int64)) (*Streams, error) {
	s := &Streams{output: &meter{limit: limit, exceeded: exceeded}}
	if e := s.open(in, out, err, limit); e != nil {
		s.Passed()
		s.Close()
		return nil, e
	}
	return s, nil
}

func (s *Streams) open(in io.Reader, out, err io.Writer, limit int64) error {
	if e := s.stdin(in); e != nil {
		return e
	}
	if e := s.stdout(1, out, limit); e != nil {
		return e
	}
	if same(out, err) && s.files[1] != nil && limit == 0 {
		s.files[2] = s.files[1] // one pipe: the caller's writer is not called by two goroutines at once
		return nil
	}
	return s.stdout(2, err, limit)
}

// same reports whether both are one comparable writer, as in os/exec.
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
		_, _ = io.Copy(write, in) // EPIPE: the program reads no more
		write.Close()
	}()
	return nil
}

func (s *Streams) stdout(i int, out io.Writer, limit int64) error {
	f, isFile := out.(*os.File)
	if out == nil || isFile && f == nil {
		return s.null(i)
	}
	if isFile {
		if err := s.file(i, f); err != nil || limit == 0 {
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

func (s *Streams) null(i int) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("stdio: %w", err)
	}
	s.files[i], s.own = null, append(s.own, null)
	return nil
}

func (s *Streams) file(i int, f *os.File) error {
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return hint.Errorf("give it a file, a pipe or /dev/null",
			"stdio: descriptor %d is a folder: the tool would walk out of its root from there", i)
	}
	s.files[i] = f
	return nil
}

// Files are stdin, stdout and stderr for the program.
func (s *Streams) Files() [3]*os.File { return s.files }

// FDs are the numbers of Files.
func (s *Streams) FDs() []int {
	return []int{int(s.files[0].Fd()), int(s.files[1].Fd()), int(s.files[2].Fd())}
}

// Passed closes this process's copies of what was made for the program.
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

// Drain waits until all that the ended program wrote has been copied, and frees what is left.
func (s *Streams) Drain() {
	if s == nil {
		return
	}
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
