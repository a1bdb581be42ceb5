package mcp

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// How long a server may take to end once nobody needs it. The transport's specification has the client close stdin, wait,
// send SIGTERM, wait, and kill; official clients wait two seconds each time, and these fit within.
const (
	graceIdle = 1500 * time.Millisecond // after its stdin is closed and it has answered all it was asked
	graceTerm = 1 * time.Second         // after SIGTERM
	graceRead = 2 * time.Second         // for the client to read what is left
)

// graceCalls is how long calls in flight are waited for when the client has closed its side and is still there: a script
// that feeds a session by a pipe does so, and so does a client that leaves a server which hangs. A variable for tests.
var graceCalls = 2 * time.Minute

// Serve starts the server and carries messages until either side leaves or ctx ends; then nothing of the server is left.
// An error means that mcpbox failed; how the server ended is in the Outcome.
func Serve(ctx context.Context, cfg Config) (*Outcome, error) {
	s := newSession(cfg)
	l, err := s.start(ctx, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.main = l
	s.mu.Unlock()
	stopWatching := s.watchAllowlist()
	defer stopWatching()

	upDone := make(chan error, 1)
	go func() { upDone <- s.up() }()

	return s.end(s.wait(ctx, upDone))
}

// wait returns when the session is over. An error is a failure of the proxy's or of the client's, not of the server's.
func (s *session) wait(ctx context.Context, upDone <-chan error) error {
	for {
		l, replacing := s.peek()
		done, read := l.srv.Done(), (<-chan struct{})(l.read)
		if replacing {
			done, read = nil, nil
		}
		select {
		case <-done:
			if now, replacing := s.peek(); now == l && !replacing {
				return nil
			}
		case <-read:
			if now, replacing := s.peek(); now == l && !replacing {
				select {
				case <-l.srv.Done(): // it is just ending
				case <-time.After(graceTerm):
					s.dismiss(l)
				}
				return nil
			}
		case <-s.restarts:
		case err := <-upDone:
			if errors.Is(err, errTorn) {
				return err
			}
			s.settle(ctx, s.current())
			return nil
		case <-s.cfg.ClientGone:
			s.dismiss(l)
			return nil
		case <-ctx.Done():
			s.dismiss(l)
			return nil
		}
	}
}

// settle is for a client that has said all it had to say: the server is told so, and what is in flight is waited for.
func (s *session) settle(ctx context.Context, l *link) {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, graceCalls)
	defer cancel()
	s.waitParked(ctx)
	if !s.pollUntil(ctx, nil, func() bool { return !s.isolatedRunning() }) {
		s.dismiss(l)
		return
	}
	l.srv.Stdin().Close()
	if !s.pollUntil(ctx, l, l.flight.empty) {
		s.dismiss(l)
		return
	}
	select {
	case <-l.srv.Done():
	case <-ctx.Done():
		s.dismiss(l)
	case <-s.cfg.ClientGone:
		s.dismiss(l)
	case <-time.After(graceIdle):
		s.dismiss(l)
	}
}

// pollUntil waits until done or, if l is given, until its server has nothing more to say; false: nobody waits for it any more.
func (s *session) pollUntil(ctx context.Context, l *link, done func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var ended, read <-chan struct{}
	if l != nil {
		ended, read = l.srv.Done(), l.read
	}
	for !done() {
		select {
		case <-ended:
			return true
		case <-read:
			return true
		case <-s.cfg.ClientGone:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// dismiss asks the server to end, and waits a little.
func (s *session) dismiss(l *link) {
	select {
	case <-l.srv.Done():
		return
	default:
	}
	s.mu.Lock()
	s.dismissed = true
	s.mu.Unlock()
	l.srv.Stdin().Close()
	l.srv.Signal(unix.SIGTERM)
	select {
	case <-l.srv.Done():
	case <-time.After(graceTerm):
	}
}

// end takes the server down, passes on its last words, and answers what it left unanswered.
func (s *session) end(err error) (*Outcome, error) {
	s.mu.Lock()
	s.ended = true
	l, dismissed := s.main, s.dismissed
	s.mu.Unlock()
	s.endIsolated()
	res, endErr := l.end()
	if endErr != nil {
		return nil, endErr
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		s.abandon(l, "The server ended before it answered.")
	}()
	select {
	case <-told:
	case <-time.After(graceRead): // nobody reads
	}
	if err != nil {
		return nil, err
	}
	return &Outcome{Result: res, Dismissed: dismissed}, nil
}

// end kills what is left of a server, reads its last words, and takes its sandbox down.
func (l *link) end() (*mcpruntime.Result, error) {
	l.srv.Stop()
	select {
	case <-l.read:
	case <-time.After(graceRead): // the client does not read
	}
	return l.srv.End()
}

// abandon answers every call of a server that is gone.
func (s *session) abandon(l *link, say string) {
	for _, c := range l.flight.takeAll() {
		if c.private != nil {
			c.private <- answer{err: errGone}
			continue
		}
		s.finish(l, c, "server_ended", 0)
		_ = s.client.send(rpcError(c, -32000, say))
	}
}

var errGone = errors.New("the server has ended")
