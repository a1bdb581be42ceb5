package pool

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// SessionCall is a call of a session: a cell that lives on between calls, with its processes, its
// files and the state of its program. The caller names it; the first call opens it.
//
// The program writes its Ready byte to standard output when it has started. It then reads its calls
// one after another from standard input: a line with a word that is new each time, then Input. When
// it is through, it writes to standard output NUL, the word, a space, its exit code and a newline,
// and to standard error NUL, the word and a newline. A program that lies about that only spoils its
// own session.
type SessionCall struct {
	Call
	Session string // its name, among the caller's
}

// SessionResult is the result of one call of a session.
type SessionResult struct {
	*runtime.Result
	Number int  // of the call in its session, from 1
	Ended  bool // the session has ended with this call: its program ended, or was killed
}

// sessionKey tells sessions apart.
type sessionKey struct {
	caller, name string
	policy       *policies.Policy
	program      *Program
}

// session is an open one.
type session struct {
	from    *box
	process *runtime.Process
	input   *io.PipeWriter
	out     [2]*turns // standard output, standard error
	opened  time.Time

	turn  sync.Mutex // held by the call that it serves
	count int

	mu   sync.Mutex
	used time.Time
}

// sessions are all of a pool.
type sessions struct {
	mu   sync.Mutex
	open map[sessionKey]*session
}

// RunSession runs a call in a session. A *BusyError says when to come back.
func (p *Pool) RunSession(ctx context.Context, call SessionCall) (*SessionResult, error) {
	if call.Program == nil || call.Session == "" {
		return nil, hint.Errorf("give Program and Session", "a session has a name and a program")
	}
	if err := call.check(); err != nil {
		return nil, err
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	defer p.work.Done()
	leave, err := p.gate.enter(ctx, call.Caller)
	if err != nil {
		return nil, err
	}
	defer leave()
	s, err := p.session(ctx, call)
	if err != nil {
		return nil, err
	}
	return p.turn(ctx, s, call)
}

func (p *Pool) turn(ctx context.Context, s *session, call SessionCall) (*SessionResult, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	word := rand.Text()
	out, errs := s.out[0].begin(word, call.Command.Stdout), s.out[1].begin(word,
		call.Command.Stderr)
	if err := s.process.Begin(ctx, call.Command.Args); errors.Is(err, runtime.ErrClosed) {
		p.CloseSession(call.Caller, call.Session) // it has ended since
		return nil, hint.Errorf("the next call opens a new one",
			"session %s has ended: its program has", call.Session)
	} else if err != nil {
		return nil, err
	}
	s.count++
	if call.Command.BeforeExec != nil {
		call.Command.BeforeExec(s.process)
	}
	go func() { // the program may read late, or never
		_, _ = s.input.Write(append([]byte(word+"\n"), call.Input...))
	}()
	t := &SessionResult{Number: s.count}
	code, over := 0, false
	for n := 0; n < 2 && !over; {
		select {
		case code = <-out:
			out = nil
			n++
		case <-errs:
			errs = nil
			n++
		case <-s.process.Done():
			over = true
		}
	}
	if !over {
		res, err := s.process.Yield(p.ctx, code)
		if err == nil {
			s.touch()
			t.Result = res
			return t, nil
		}
	}
	p.CloseSession(call.Caller, call.Session)
	res, err := s.process.Wait()
	t.Result, t.Ended = res, true
	return t, err
}

func (s *session) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
}

func (s *session) idle(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.used)
}

// session finds a session, or opens it.
func (p *Pool) session(ctx context.Context, call SessionCall) (*session, error) {
	k := sessionKey{call.Caller, call.Session, call.Policy, call.Program}
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	if s := p.sessions.open[k]; s != nil {
		return s, nil
	}
	of := 0
	for other := range p.sessions.open {
		if other.caller == k.caller {
			of++
		}
	}
	if of >= p.cfg.Sessions {
		return nil, &BusyError{Reason: "the caller has " + strconv.Itoa(of) +
			" sessions open, as many as it may",
			RetryAfter: p.cfg.SessionIdle}
	}
	s, err := p.openSession(ctx, call)
	if err != nil {
		return nil, err
	}
	p.sessions.open[k] = s
	p.work.Go(func() { // at its end, whatever ended it
		<-s.process.Done()
		s.input.Close()
		p.forget(k, s)
		s.from.left()
	})
	return s, nil
}

func (p *Pool) forget(k sessionKey, s *session) {
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	if p.sessions.open[k] == s {
		delete(p.sessions.open, k)
	}
}

func (p *Pool) openSession(ctx context.Context, call SessionCall) (*session, error) {
	shelf, err := p.shelf(call.Policy, call.BestEffort, false)
	if err != nil {
		return nil, err
	}
	k, err := shelf.stock(nil)
	if err != nil {
		return nil, err
	}
	c, err := k.take(ctx)
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	now := time.Now()
	s := &session{from: c.from, input: write, out: [2]*turns{newTurns(call.Program.Ready), {}},
		opened: now, used: now}
	s.process, err = c.Start(p.ctx, runtime.Command{Args: call.Program.Args, Env: call.Program.Env,
		Files: call.Program.Files, Hold: true, Stdin: read, Stdout: s.out[0], Stderr: s.out[1],
		Sinks: call.Command.Sinks, Call: call.Command.Call, Origin: call.Command.Origin})
	if err == nil {
		err = s.awaitReady(ctx)
	}
	if err != nil {
		c.from.left()
		return nil, err
	}
	return s, nil
}

// awaitReady waits for the program's start: it is not the first call's time.
func (s *session) awaitReady(ctx context.Context) error {
	timer := time.NewTimer(readyTime)
	defer timer.Stop()
	err := ErrNotReady
	select {
	case <-s.out[0].ready:
		return nil
	case <-s.process.Done():
	case <-timer.C:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.process.Kill()
	s.input.Close()
	_, _ = s.process.Wait()
	return err
}

// CloseSession ends a caller's sessions of that name, and what runs in them. It reports whether
// there was one.
func (p *Pool) CloseSession(caller, name string) (found bool) {
	for _, s := range p.pull(func(k sessionKey, _ *session) bool {
		return k.caller == caller && k.name == name
	}) {
		s.process.Kill()
		found = true
	}
	return found
}

// OpenSession is an open session as an operator sees it.
type OpenSession struct {
	Caller, Name string
	Opened, Used time.Time
}

// Sessions lists the open ones.
func (p *Pool) Sessions() (out []OpenSession) {
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	for k, s := range p.sessions.open {
		s.mu.Lock()
		out = append(out, OpenSession{Caller: k.caller, Name: k.name, Opened: s.opened,
			Used: s.used})
		s.mu.Unlock()
	}
	return out
}

// pull takes sessions out.
func (p *Pool) pull(which func(sessionKey, *session) bool) (out []*session) {
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	for k, s := range p.sessions.open {
		if which(k, s) {
			delete(p.sessions.open, k)
			out = append(out, s)
		}
	}
	return out
}

// tidySessions ends those that nobody has used for long, and those that are too old, between calls.
func (p *Pool) tidySessions(now time.Time) {
	for _, s := range p.pull(func(_ sessionKey, s *session) bool {
		old := s.idle(now) > p.cfg.SessionIdle || now.Sub(s.opened) > p.cfg.SessionAge
		if !old || !s.turn.TryLock() {
			return false
		}
		s.turn.Unlock()
		return true
	}) {
		s.process.Kill()
	}
}

// turns passes a stream on, turn by turn, and finds the marks between them.
type turns struct {
	mu   sync.Mutex
	to   io.Writer // of the turn; nil: what is written is nobody's
	mark []byte
	held []byte // may be the beginning of a mark
	over chan int

	ready chan struct{} // closed by the first byte, if it is sign
	sign  byte
	first bool // nothing has been written yet
}

func newTurns(sign byte) *turns {
	return &turns{ready: make(chan struct{}), sign: sign, first: true}
}

// maxMark bounds a mark: NUL, the word, a space, a number and a newline.
const maxMark = 64

// begin makes a turn. over gets its exit code.
func (t *turns) begin(word string, to io.Writer) (over chan int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.to, t.mark, t.over, t.held = to, []byte("\x00"+word), make(chan int, 1), nil
	return t.over
}

func (t *turns) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if t.first && n > 0 {
		t.first = false
		if p[0] == t.sign {
			close(t.ready)
			p = p[1:]
		}
	}
	data := append(t.held, p...)
	t.held = nil
	for len(data) > 0 && t.mark != nil {
		i := bytes.IndexByte(data, 0)
		if i < 0 {
			break
		}
		t.pass(data[:i])
		data = data[i:]
		switch end := bytes.IndexByte(data, '\n'); {
		case !bytes.HasPrefix(data, t.mark[:min(len(t.mark), len(data))]) || end > maxMark ||
			end < 0 && len(data) > maxMark:
			t.pass(data[:1]) // a NUL of the program's own
			data = data[1:]
		case end < 0:
			t.held = bytes.Clone(data)
			return n, nil
		default:
			code, _ := strconv.Atoi(string(bytes.TrimSpace(data[len(t.mark):end])))
			t.mark, t.to = nil, nil
			t.over <- code
			data = data[end+1:]
		}
	}
	t.pass(data)
	return n, nil
}

func (t *turns) pass(data []byte) {
	if t.to != nil && len(data) > 0 {
		_, _ = t.to.Write(data)
	}
}
