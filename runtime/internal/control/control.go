// Package control is the supervisor's end of the control socket to PID 1 of a sandbox. It hands
// each answer to whoever waits for answers about that process (package initproto has the protocol).
package control

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// ErrClosed says that PID 1 is gone.
var ErrClosed = errors.New("the sandbox has ended")

// Answer is a message from PID 1 with its descriptors, which the receiver owns.
type Answer struct {
	initproto.Message
	FDs []int
}

// Close closes the descriptors.
func (a Answer) Close() { initproto.CloseAll(a.FDs) }

// Conn is a control socket. Its methods may be called from several goroutines.
type Conn struct {
	conn    *initproto.Conn
	mu      sync.Mutex
	inboxes map[int]*Inbox
	gone    chan struct{}
}

// New takes the socket over and reads it until PID 1 is gone.
func New(conn *initproto.Conn) *Conn {
	c := &Conn{conn: conn, inboxes: map[int]*Inbox{}, gone: make(chan struct{})}
	go c.receive()
	return c
}

// Send sends a message. PID 1 gets copies of the descriptors.
func (c *Conn) Send(m initproto.Message, body initproto.Body, fds ...int) error {
	return c.conn.Send(m, body, fds...)
}

// Gone is closed when PID 1 sends no more.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Close closes the socket. PID 1 then exits, and the kernel kills what is left in the sandbox.
func (c *Conn) Close() { _ = c.conn.Close() }

func (c *Conn) receive() {
	defer close(c.gone)
	for {
		m, _, fds, err := c.conn.Receive()
		if err != nil {
			return
		}
		c.mu.Lock()
		in := c.inboxes[m.Process]
		if in != nil {
			in.answers <- Answer{m, fds} // buffered for all that is ever said about one process
		}
		c.mu.Unlock()
		if in == nil {
			discard(Answer{m, fds})
		}
	}
}

// discard frees an answer that nobody waits for any more. A child that its starter gave up is
// killed.
func discard(a Answer) {
	if a.Kind == initproto.Locked && len(a.FDs) > 0 {
		_ = unix.PidfdSendSignal(a.FDs[0], unix.SIGKILL, nil, 0)
	}
	a.Close()
}

// Inbox keeps the answers about one process until they are taken.
type Inbox struct {
	c       *Conn
	number  int
	answers chan Answer
}

// Open makes the inbox of a process, before anything is asked about it. 0 is the sandbox itself.
func (c *Conn) Open(number int) *Inbox {
	in := &Inbox{c: c, number: number, answers: make(chan Answer, 8)}
	c.mu.Lock()
	c.inboxes[number] = in
	c.mu.Unlock()
	return in
}

// Next returns the next answer. It returns ErrClosed when PID 1 is gone, and ctx's cause when ctx
// ends first.
func (in *Inbox) Next(ctx context.Context) (Answer, error) {
	select {
	case a := <-in.answers:
		return a, nil
	default:
	}
	select {
	case a := <-in.answers:
		return a, nil
	case <-in.c.gone:
		select {
		case a := <-in.answers: // it was sent before PID 1 ended
			return a, nil
		default:
			return Answer{}, ErrClosed
		}
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
}

// Close frees the inbox and what is in it.
func (in *Inbox) Close() {
	in.c.mu.Lock()
	if in.c.inboxes[in.number] == in {
		delete(in.c.inboxes, in.number)
	}
	in.c.mu.Unlock()
	for {
		select {
		case a := <-in.answers:
			discard(a)
		default:
			return
		}
	}
}
