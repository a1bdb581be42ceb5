package bridge

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

// Pipe is the client's side of a session: messages come from Reader, and go to Writer.
type Pipe struct {
	io.Reader
	io.Writer
}

// Config is what a bridge needs.
type Config struct {
	Most int // sessions at once
	// Open serves one session until ctx ends or the client's messages do.
	Open func(ctx context.Context, client string, p Pipe) error
	// Refuse answers what is no JSON-RPC matter.
	Refuse func(http.ResponseWriter, *http.Request, *api.Problem)
	Failed func(error) // of Open; may be nil
	// Body reads a message of at most so many bytes. A problem is its error.
	Body func(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error)
}

// Bridge is safe for concurrent use.
type Bridge struct {
	cfg      Config
	mu       sync.Mutex
	sessions map[string]*session
	failures int       // sessions in a row that ended at once
	notUntil time.Time // no session is started before
}

// New makes a bridge without sessions.
func New(cfg Config) *Bridge { return &Bridge{cfg: cfg, sessions: map[string]*session{}} }

// Sessions is how many there are.
func (b *Bridge) Sessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

// Close ends all sessions, and returns when nothing is left of them.
func (b *Bridge) Close() { b.sweep(time.Time{}) }

// Sweep ends the sessions that nobody has used since a time.
func (b *Bridge) Sweep(since time.Time) { b.sweep(since) }

func (b *Bridge) sweep(since time.Time) {
	b.mu.Lock()
	var old []*session
	for _, s := range b.sessions {
		if since.IsZero() || s.idleSince(since) {
			old = append(old, s)
		}
	}
	b.mu.Unlock()
	for _, s := range old {
		s.end()
		<-s.done
	}
}

const header = "Mcp-Session-Id"

// maxMessage bounds a client's message.
const maxMessage = 16 << 20

// ServeHTTP serves a request of a client, which may have most sessions.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request, client string, most int) {
	switch r.Method {
	case http.MethodPost:
		b.post(w, r, client, most)
		return
	case http.MethodGet, http.MethodDelete:
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		b.refuse(w, r, http.StatusMethodNotAllowed, "use POST", "MCP has no such method")
		return
	}
	s := b.find(w, r, client)
	switch {
	case s == nil:
	case r.Method == http.MethodGet:
		if !s.stream(w, r) {
			b.refuse(w, r, http.StatusConflict, "close the other one",
				"the session has a stream already")
		}
	default:
		s.end()
		<-s.done
		w.WriteHeader(http.StatusNoContent)
	}
}

func (b *Bridge) refuse(w http.ResponseWriter, r *http.Request, status int, remedy, detail string) {
	b.cfg.Refuse(
		w,
		r,
		&api.Problem{
			Title:  http.StatusText(status),
			Status: status,
			Detail: detail,
			Remedy: remedy,
		},
	)
}

// find returns the client's session that the request names.
func (b *Bridge) find(w http.ResponseWriter, r *http.Request, client string) *session {
	id := r.Header.Get(header)
	if id == "" {
		b.refuse(w, r, http.StatusBadRequest, "begin with initialize", header+" is missing")
		return nil
	}
	b.mu.Lock()
	s := b.sessions[id]
	b.mu.Unlock()
	if s == nil || s.client != client {
		b.refuse(w, r, http.StatusNotFound, "begin with initialize again", "the session has ended")
		return nil
	}
	return s
}

// message is what the bridge reads of one.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
}

func (b *Bridge) post(w http.ResponseWriter, r *http.Request, client string, most int) {
	body, err := b.cfg.Body(w, r, maxMessage)
	if p := (*api.Problem)(nil); errors.As(err, &p) {
		b.cfg.Refuse(w, r, p)
		return
	}
	var line bytes.Buffer
	var m message
	if json.Compact(&line, body) != nil || line.Len() == 0 || line.Bytes()[0] != '{' ||
		json.Unmarshal(line.Bytes(), &m) != nil {
		b.refuse(w, r, http.StatusBadRequest, "send one JSON-RPC object", "the body is no message")
		return
	}
	line.WriteByte('\n')
	var s *session
	if m.Method == "initialize" && r.Header.Get(header) == "" {
		var p *api.Problem
		if s, p = b.open(client, most); p != nil {
			b.cfg.Refuse(w, r, p)
			return
		}
		w.Header().Set(header, s.id)
	} else if s = b.find(w, r, client); s == nil {
		return
	}
	if m.Method == "" || len(m.ID) == 0 {
		if !s.send(line.Bytes()) {
			b.refuse(w, r, http.StatusNotFound, "begin with initialize again",
				"the session has ended")
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	answer, err := s.ask(r.Context(), string(m.ID), line.Bytes())
	switch {
	case errors.Is(err, errTwice):
		b.refuse(w, r, http.StatusBadRequest, "use an id once",
			"a request with this id is in flight")
	case err != nil:
		w.Header().Del(header)
		b.refuse(w, r, http.StatusBadGateway, "begin with initialize again",
			"the server ended before it answered")
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // who has gone does not read it
	}
}

// open starts a session.
func (b *Bridge) open(client string, most int) (*session, *api.Problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := 0
	for _, s := range b.sessions {
		if s.client == client {
			own++
		}
	}
	busy := func(detail string, wait time.Duration) *api.Problem {
		return &api.Problem{
			Title:      http.StatusText(http.StatusServiceUnavailable),
			Status:     http.StatusServiceUnavailable,
			Detail:     detail,
			Remedy:     "try again later",
			RetryAfter: int(wait.Seconds()) + 1,
		}
	}
	if len(b.sessions) >= b.cfg.Most {
		return nil, busy("the server has as many sessions as it may have", 5*time.Second)
	}
	if own >= most {
		return nil, busy("the client has as many sessions as it may have", 5*time.Second)
	}
	if wait := time.Until(b.notUntil); wait > 0 {
		return nil, busy("the server ended at once, several times", wait)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := newSession(rand.Text(), client, cancel)
	b.sessions[s.id] = s
	go func() {
		err := s.serve(ctx, func(p Pipe) error { return b.cfg.Open(ctx, client, p) })
		b.closed(s, err)
	}()
	return s, nil
}

// How soon an end counts as a failure, and how long a server rests after some of them.
const (
	atOnce   = 5 * time.Second
	patience = 2 // failures without a rest
	longest  = time.Minute
)

func (b *Bridge) closed(s *session, err error) {
	b.mu.Lock()
	delete(b.sessions, s.id)
	if s.asked() || time.Since(s.opened) > atOnce {
		b.failures = 0
	} else if b.failures++; b.failures > patience {
		b.notUntil = time.Now().Add(min(longest, time.Second<<min(b.failures-patience, 6)))
	}
	b.mu.Unlock()
	if err != nil && b.cfg.Failed != nil {
		b.cfg.Failed(err)
	}
	close(s.done)
}
