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

// Serve starts the server and carries messages until either side leaves or ctx ends; then nothing of the server is left.
// An error means that mcpbox failed; how the server ended is in the Outcome.
func Serve(ctx context.Context, cfg Config) (*Outcome, error) {
	s := newSession(cfg)
	l, err := s.start(ctx)
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

	left, err := s.wait(ctx, upDone)
	return s.end(left, err)
}

// wait returns when the session is over, and whether it was not the server that ended it.
func (s *session) wait(ctx context.Context, upDone <-chan error) (left bool, err error) {
	for {
		l, replacing := s.peek()
		done, read := l.srv.Done(), (<-chan struct{})(l.read)
		if replacing {
			done, read = nil, nil
		}
		select {
		case <-done:
			if now, replacing := s.peek(); now == l && !replacing {
				return false, nil
			}
		case <-read:
			if now, replacing := s.peek(); now == l && !replacing {
				s.dismiss(l)
				return false, nil
			}
		case <-s.restarts:
		case err := <-upDone:
			if errors.Is(err, errTorn) {
				return true, err
			}
			s.settle(ctx, s.current())
			return true, nil
		case <-s.cfg.ClientGone:
			s.dismiss(l)
			return true, nil
		case <-ctx.Done():
			s.dismiss(l)
			return true, nil
		}
	}
}

// settle is for a client that has said all it had to say: the server is told so, and what is in flight is waited for.
func (s *session) settle(ctx context.Context, l *link) {
	s.waitParked(ctx)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	l.srv.Stdin().Close()
	for !l.flight.empty() || s.isolatedRunning() {
		select {
		case <-l.srv.Done():
			return
		case <-l.read:
			return
		case <-s.cfg.ClientGone:
			s.dismiss(l)
			return
		case <-ctx.Done():
			s.dismiss(l)
			return
		case <-tick.C:
		}
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

// dismiss asks the server to end, and waits a little.
func (s *session) dismiss(l *link) {
	l.srv.Stdin().Close()
	l.srv.Signal(unix.SIGTERM)
	select {
	case <-l.srv.Done():
	case <-time.After(graceTerm):
	}
}

// end takes the server down, passes on its last words, and answers what it left unanswered.
func (s *session) end(left bool, err error) (*Outcome, error) {
	s.mu.Lock()
	s.ended = true
	l := s.main
	s.mu.Unlock()
	s.endIsolated()
	type ended struct {
		res *mcpruntime.Result
		err error
	}
	done := make(chan ended, 1)
	go func() {
		res, err := l.srv.End()
		done <- ended{res, err}
	}()
	e := <-done
	select {
	case <-l.read:
	case <-time.After(graceRead):
	}
	if e.err != nil {
		return nil, e.err
	}
	s.abandon(l, "The server ended before it answered.")
	if err != nil {
		return nil, err
	}
	return &Outcome{Result: e.res, Left: left}, nil
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
