package runtime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
)

// stdio are the three descriptors handed to the child, and those to close once they are.
type stdio struct {
	fds []int
	own []*os.File
}

func (s *stdio) close() {
	for _, f := range s.own {
		f.Close()
	}
}

// stdio passes the caller's own descriptors on; with an output limit they are pipes that a meter copies from.
func (r *Running) stdio(p Process) (*stdio, error) {
	s := &stdio{}
	for i, f := range []*os.File{p.Stdin, p.Stdout, p.Stderr} {
		if f == nil {
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				s.close()
				return nil, fmt.Errorf("stdio: %w", err)
			}
			s.own = append(s.own, null)
			f = null
		} else if st, err := f.Stat(); err == nil && st.IsDir() {
			s.close()
			return nil, hint.Errorf("give it a file, a pipe or /dev/null", "stdio: descriptor %d is a folder: the tool would walk out of its root from there", i)
		} else if limit := int64(r.box.spec.Policy.Limits.Output); limit > 0 && i > 0 {
			if r.output == nil {
				r.output = &outputMeter{limit: limit, exceeded: r.onOutput}
			}
			write, err := r.output.pipe(f)
			if err != nil {
				s.close()
				return nil, fmt.Errorf("stdio: %w", err)
			}
			s.own = append(s.own, write)
			f = write
		}
		s.fds = append(s.fds, int(f.Fd()))
	}
	return s, nil
}

func (r *Running) onOutput(limit, seen int64) {
	r.record(monitor.Event{Type: monitor.ResourceLimitExceeded, Action: "kill",
		Limit: &monitor.Limit{Name: "output", Value: limit, Observed: seen, Backend: backendPipe}})
	r.box.stop(StatusOutput)
}

// outputMeter copies stdout and stderr and counts them together.
type outputMeter struct {
	limit    int64
	exceeded func(limit, seen int64)

	mu    sync.Mutex
	seen  int64
	over  bool
	reads []*os.File
	wait  sync.WaitGroup
}

func (m *outputMeter) pipe(to *os.File) (write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	m.reads = append(m.reads, read)
	m.wait.Add(1)
	go func() {
		defer m.wait.Done()
		m.copy(to, read)
	}()
	return write, nil
}

func (m *outputMeter) copy(to, from *os.File) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if allowed := m.count(int64(n)); allowed > 0 {
				if _, werr := to.Write(buf[:allowed]); werr != nil {
					from.Close() // the reader is gone: the tool gets SIGPIPE, as it would bare
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// count returns how many of n more bytes are within the limit.
func (m *outputMeter) count(n int64) int64 {
	m.mu.Lock()
	room := max(m.limit-m.seen, 0)
	m.seen += n
	first := m.seen > m.limit && !m.over
	m.over = m.over || first
	seen := m.seen
	m.mu.Unlock()
	if first {
		m.exceeded(m.limit, seen)
	}
	return min(n, room)
}

// drain waits until all that the ended sandbox wrote has been copied, but not for ever on a reader that never reads.
func (m *outputMeter) drain() {
	if m == nil {
		return
	}
	done := make(chan struct{})
	go func() { m.wait.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(drainTime):
	}
	m.close()
}

const drainTime = 2 * time.Second

func (m *outputMeter) close() {
	if m == nil {
		return
	}
	for _, f := range m.reads {
		f.Close()
	}
}

// pidOf reads the process id of a pidfd, as this namespace sees it. pidfd_open(2)
func pidOf(pidfd int) (int, error) {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(pidfd))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, "Pid:"); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(v))
			if err == nil && pid > 0 {
				return pid, nil
			}
		}
	}
	return 0, unix.ESRCH
}

func windowSize(f *os.File) (rows, cols uint16) {
	if f == nil {
		return 0, 0
	}
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return ws.Row, ws.Col
}
