package proxy

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// How long a server may take to end once nobody needs it. The transport's specification has the client close stdin, wait,
// send SIGTERM, wait, and kill; official clients wait two seconds each time, and these fit within.
const (
	idleGrace = 1500 * time.Millisecond // after its stdin is closed and it has answered all it was asked
	termGrace = 1 * time.Second         // after SIGTERM
	readGrace = 2 * time.Second         // for the client to read what is left
)

// callsGrace is how long calls in flight are waited for when the client has closed its side and is still there: a script
// that feeds a session by a pipe does so, and so does a client that leaves a server which hangs. A variable for tests.
var callsGrace = 2 * time.Minute

// Serve starts the server and carries messages until either side leaves or ctx ends; then nothing of the server is left.
// An error means that mcpbox failed; how the server ended is in the Outcome.
func Serve(ctx context.Context, cfg Config) (*Outcome, error) {
	s := newSession(cfg)
	conn, err := s.start(ctx, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.main = conn
	s.mu.Unlock()
	stopWatching := s.watchAllowlist()
	defer stopWatching()

	upDone := make(chan error, 1)
	go func() { upDone <- s.readClient() }()

	return s.end(s.wait(ctx, upDone))
}

// wait returns when the session is over. An error is a failure of the proxy's or of the client's, not of the server's.
func (s *session) wait(ctx context.Context, upDone <-chan error) error {
	for {
		conn, replacing := s.peek()
		done, read := conn.srv.Done(), (<-chan struct{})(conn.drained)
		if replacing {
			done, read = nil, nil
		}
		select {
		case <-done:
			if now, replacing := s.peek(); now == conn && !replacing {
				return nil
			}
		case <-read:
			if now, replacing := s.peek(); now == conn && !replacing {
				select {
				case <-conn.srv.Done(): // it is just ending
				case <-time.After(termGrace):
					s.terminate(conn)
				}
				return nil
			}
		case <-s.restarts:
		case err := <-upDone:
			if errors.Is(err, wire.ErrBrokenMessage) {
				return err
			}
			s.drain(ctx, s.current())
			return nil
		case <-s.cfg.ClientGone:
			s.terminate(conn)
			return nil
		case <-ctx.Done():
			s.terminate(conn)
			return nil
		}
	}
}

// drain is for a client that has said all it had to say: the server is told so, and what is in flight is waited for.
func (s *session) drain(ctx context.Context, conn *serverConn) {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callsGrace)
	defer cancel()
	s.waitDeferred(ctx)
	if !s.pollUntil(ctx, nil, func() bool { return !s.isolatedRunning() }) {
		s.terminate(conn)
		return
	}
	conn.srv.Stdin().Close()
	if !s.pollUntil(ctx, conn, conn.pending.empty) {
		s.terminate(conn)
		return
	}
	select {
	case <-conn.srv.Done():
	case <-ctx.Done():
		s.terminate(conn)
	case <-s.cfg.ClientGone:
		s.terminate(conn)
	case <-time.After(idleGrace):
		s.terminate(conn)
	}
}

// pollUntil waits until done or, if l is given, until its server has nothing more to say; false: nobody waits for it any more.
func (s *session) pollUntil(ctx context.Context, conn *serverConn, done func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var ended, read <-chan struct{}
	if conn != nil {
		ended, read = conn.srv.Done(), conn.drained
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

// terminate asks the server to end, and waits a little.
func (s *session) terminate(conn *serverConn) {
	select {
	case <-conn.srv.Done():
		return
	default:
	}
	s.mu.Lock()
	s.terminated = true
	s.mu.Unlock()
	conn.srv.Stdin().Close()
	conn.srv.Signal(unix.SIGTERM)
	select {
	case <-conn.srv.Done():
	case <-time.After(termGrace):
	}
}

// end takes the server down, passes on its last words, and answers what it left unanswered.
func (s *session) end(err error) (*Outcome, error) {
	s.mu.Lock()
	s.ended = true
	conn, dismissed := s.main, s.terminated
	s.mu.Unlock()
	s.endIsolated()
	res, endErr := conn.end()
	if endErr != nil {
		return nil, endErr
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		s.failPending(conn, "The server ended before it answered.")
	}()
	select {
	case <-told:
	case <-time.After(readGrace): // nobody reads
	}
	if err != nil {
		return nil, err
	}
	return &Outcome{Result: res, Terminated: dismissed}, nil
}

// end kills what is left of a server, reads its last words, and takes its sandbox down.
func (conn *serverConn) end() (*mcpruntime.Result, error) {
	conn.srv.Stop()
	select {
	case <-conn.drained:
	case <-time.After(readGrace): // the client does not read
	}
	return conn.srv.End()
}

// failPending answers every call of a server that is gone.
func (s *session) failPending(conn *serverConn, say string) {
	for _, c := range conn.pending.takeAll() {
		if c.reply != nil {
			c.reply <- answer{err: errServerGone}
			continue
		}
		s.finish(conn, c, "server_ended", 0)
		_ = s.client.Send(rpcError(c, -32000, say))
	}
}

var errServerGone = errors.New("the server has ended")
