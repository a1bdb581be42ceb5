package bridge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

var (
	errTwice = errors.New("the id is in use")
	errEnded = errors.New("the session has ended")
)

// session is one client and its server.
type session struct {
	id, client string
	opened     time.Time
	cancel     context.CancelFunc
	done       chan struct{} // nothing is left of it

	writing sync.Mutex // one message at a time
	in      *io.PipeWriter
	inRead  *io.PipeReader
	queue   chan []byte // what the server said without being asked

	mu       sync.Mutex
	pending  map[string]chan []byte
	ended    bool
	streamed bool
	answered bool // with a result, not an error
	used     time.Time
	closing  chan struct{}
}

// maxQueue is how many messages wait for a GET stream. More are dropped: notifications, mostly.
const maxQueue = 256

func newSession(id, client string, cancel context.CancelFunc) *session {
	s := &session{
		id:      id,
		client:  client,
		opened:  time.Now(),
		used:    time.Now(),
		cancel:  cancel,
		done:    make(chan struct{}),
		queue:   make(chan []byte, maxQueue),
		pending: map[string]chan []byte{},
		closing: make(chan struct{}),
	}
	s.inRead, s.in = io.Pipe()
	return s
}

// serve runs the server to its end, and passes on what it says.
func (s *session) serve(ctx context.Context, open func(Pipe) error) error {
	out, said := io.Pipe()
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.read(out)
	}()
	err := open(Pipe{s.inRead, said})
	s.cancel()
	said.Close()
	s.inRead.Close()
	<-read
	s.mu.Lock()
	s.ended = true
	for id, c := range s.pending {
		close(c)
		delete(s.pending, id)
	}
	s.mu.Unlock()
	close(s.closing)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// end ends it as a stdio client does: by the end of its messages, and, in time, by force.
func (s *session) end() {
	s.in.Close()
	const grace = 5 * time.Second
	time.AfterFunc(grace, s.cancel)
}

func (s *session) idleSince(t time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.streamed && len(s.pending) == 0 && s.used.Before(t)
}

func (s *session) asked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered
}

// read sorts what the server says: answers to who asked, the rest to the stream.
func (s *session) read(r io.Reader) {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			s.sort(line)
		}
		if err != nil {
			return
		}
	}
}

func (s *session) sort(line []byte) {
	var m message
	if json.Unmarshal(line, &m) != nil {
		return
	}
	if m.Method == "" && len(m.ID) > 0 {
		s.mu.Lock()
		c := s.pending[string(m.ID)]
		delete(s.pending, string(m.ID))
		s.answered = s.answered || len(m.Result) > 0
		s.mu.Unlock()
		if c != nil {
			c <- line
		}
		return
	}
	select {
	case s.queue <- line:
	default:
	}
}

func (s *session) send(line []byte) bool {
	s.mu.Lock()
	s.used = time.Now()
	s.mu.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.in.Write(line)
	return err == nil
}

// ask sends a request and waits for its answer. Of a client that goes away, the server is told.
func (s *session) ask(ctx context.Context, id string, line []byte) ([]byte, error) {
	c := make(chan []byte, 1)
	s.mu.Lock()
	switch {
	case s.ended:
		s.mu.Unlock()
		return nil, errEnded
	case s.pending[id] != nil:
		s.mu.Unlock()
		return nil, errTwice
	}
	s.pending[id] = c
	s.mu.Unlock()
	if !s.send(line) {
		return nil, errEnded
	}
	select {
	case answer, ok := <-c:
		if !ok {
			return nil, errEnded
		}
		return answer, nil
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.pending, id)
		s.mu.Unlock()
		s.send(
			fmt.Appendf(
				nil,
				`{"jsonrpc":"2.0","method":"notifications/cancelled",`+
					`"params":{"requestId":%s,"reason":"the client has gone"}}`+"\n",
				id,
			),
		)
		return nil, ctx.Err()
	}
}

// stream sends what the server says without being asked, until the client leaves. There is one at a
// time.
func (s *session) stream(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	if s.streamed {
		s.mu.Unlock()
		return false
	}
	s.streamed = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.streamed, s.used = false, time.Now()
		s.mu.Unlock()
	}()
	ctl := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	const stall, pulse = 30 * time.Second, 20 * time.Second
	beat := time.NewTicker(pulse)
	defer beat.Stop()
	for {
		if ctl.Flush() != nil {
			return true
		}
		text := []byte(": still here\n\n")
		select {
		case <-r.Context().Done():
			return true
		case <-s.closing:
			return true
		case line := <-s.queue:
			text = fmt.Appendf(nil, "event: message\ndata: %s\n\n", line)
		case <-beat.C:
		}
		_ = ctl.SetWriteDeadline(time.Now().Add(stall))
		if _, err := w.Write(text); err != nil {
			return true
		}
	}
}
