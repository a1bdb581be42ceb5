package stdio

import (
	"io"
	"os"
	"sync"
	"time"
)

// meter copies stdout and stderr and counts them together.
type meter struct {
	limit    int64 // 0: none
	exceeded func(limit, seen int64)

	mu    sync.Mutex
	seen  int64
	over  bool
	reads []*os.File
	wait  sync.WaitGroup
}

func (m *meter) pipe(to io.Writer) (write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	m.reads = append(m.reads, read)
	m.wait.Go(func() { m.copy(to, read) })
	return write, nil
}

func (m *meter) copy(to io.Writer, from *os.File) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if allowed := m.count(int64(n)); allowed > 0 {
				if _, werr := to.Write(buf[:allowed]); werr != nil {
					// The reader has ended: the tool gets SIGPIPE, as without a sandbox.
					from.Close()
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
func (m *meter) count(n int64) int64 {
	if m.limit == 0 {
		return n
	}
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

// drain waits until everything has been copied, but not for ever if the reader never reads.
func (m *meter) drain(atMost time.Duration) {
	if len(m.reads) == 0 {
		return
	}
	done := make(chan struct{})
	go func() { m.wait.Wait(); close(done) }()
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (m *meter) close() {
	for _, f := range m.reads {
		f.Close()
	}
}
