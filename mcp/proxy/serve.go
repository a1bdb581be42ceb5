package proxy

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// How long a server may take to end when it is no longer needed. By the specification a client
// closes stdin, waits, sends SIGTERM, waits, and kills. Official clients wait two seconds each
// time. These times are shorter.
const (
	// after its stdin is closed and all calls are answered
	idleGrace = 1500 * time.Millisecond
	termGrace = 1 * time.Second // after SIGTERM
	readGrace = 2 * time.Second // for the client to read the remaining output
)

// Serve starts the server and passes messages until one side closes or ctx ends. When it returns,
// no process of the server is left. An error means that mcpbox failed. The Outcome says how the
// server ended.
func Serve(ctx context.Context, cfg Config) (*Outcome, error) {
	s := newSession(cfg)
	conn, err := s.start(ctx, nil)
	if err != nil {
		return nil, err
	}
	s.update(func(st *state) { st.main = conn })
	stopWatching := s.watchAllowlist()
	defer stopWatching()

	upDone := make(chan error, 1)
	go func() { upDone <- s.readClient() }()

	return s.end(s.wait(ctx, upDone))
}

// wait returns at the end of the session. An error is a failure of the proxy or of the client, not
// of the server.
func (s *session) wait(ctx context.Context, clientDone <-chan error) error {
	for {
		var conn *serverConn
		var done, drained <-chan struct{}
		changed := s.next(func(st *state) {
			if conn = st.main; !st.replacing {
				done, drained = conn.srv.Done(), conn.drained
			}
		})
		select {
		case <-changed:
			continue
		case <-done:
			if s.isReplaced(conn) {
				continue
			}
		case <-drained:
			if s.isReplaced(conn) {
				continue
			}
			select {
			case <-conn.srv.Done(): // the server is ending
			case <-time.After(termGrace):
				s.terminate(conn)
			}
		case err := <-clientDone:
			if errors.Is(err, wire.ErrBrokenMessage) {
				return err
			}
			s.drain(ctx, s.current())
		case <-s.cfg.ClientGone:
			s.terminate(conn)
		case <-ctx.Done():
			s.terminate(conn)
		}
		return nil
	}
}

// isReplaced reports whether another server has replaced this one, or is about to.
func (s *session) isReplaced(conn *serverConn) (replaced bool) {
	s.view(func(st *state) { replaced = st.main != conn || st.replacing })
	return replaced
}

// drain ends a session whose client has closed its side: it closes the server's stdin and waits for
// calls in flight.
func (s *session) drain(ctx context.Context, conn *serverConn) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout)
	defer cancel()
	stop := cancelWhenClosed(s.cfg.ClientGone, cancel)
	defer stop()
	s.update(func(st *state) { st.phase = leaving })
	if !s.await(ctx, func(st *state) bool { return !st.listing && len(st.isolated) == 0 }) {
		s.terminate(conn)
		return
	}
	conn.srv.Stdin().Close()
	select {
	case <-conn.pending.idle():
	case <-conn.srv.Done():
	case <-conn.drained:
	case <-ctx.Done():
	}
	idle := time.NewTimer(idleGrace)
	defer idle.Stop()
	select {
	case <-conn.srv.Done():
	case <-ctx.Done():
		s.terminate(conn)
	case <-idle.C:
		s.terminate(conn)
	}
}

// cancelWhenClosed calls cancel when gone is closed, until stop is called. gone may be nil.
func cancelWhenClosed(gone <-chan struct{}, cancel func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-gone:
			cancel()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// terminate sends the server SIGTERM, and waits for termGrace.
func (s *session) terminate(conn *serverConn) {
	select {
	case <-conn.srv.Done():
		return
	default:
	}
	s.update(func(st *state) { st.terminated = true })
	conn.srv.Stdin().Close()
	conn.srv.Signal(unix.SIGTERM)
	select {
	case <-conn.srv.Done():
	case <-time.After(termGrace):
	}
}

// end stops the server, passes on its remaining output, and answers the calls that it did not
// answer.
func (s *session) end(err error) (*Outcome, error) {
	var conn *serverConn
	out := &Outcome{}
	s.update(func(st *state) {
		st.phase = ended
		conn, out.Terminated, out.Answered = st.main, st.terminated, st.answered
	})
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
	case <-time.After(readGrace): // the client does not read
	}
	if err != nil {
		return nil, err
	}
	out.Result = res
	return out, nil
}

// failPending answers every call of a server that has ended.
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
