package runtime

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// packet is a message from mcpbox-init with its descriptors.
type packet struct {
	initproto.Message
	fds []int
}

// receive hands each message to the process it is about, until PID 1 is gone.
func (c *contained) receive() {
	defer close(c.lost)
	for {
		m, _, fds, err := c.conn.Receive()
		if err != nil {
			return
		}
		c.mu.Lock()
		box := c.inbox[m.Process]
		if box != nil {
			box <- packet{m, fds} // buffered for all that one process can be told
		}
		c.mu.Unlock()
		if box == nil {
			discard(m, fds)
		}
	}
}

// discard frees a message that nobody waits for any more. A child that its starter gave up is killed.
func discard(m initproto.Message, fds []int) {
	if m.Kind == initproto.Locked && len(fds) > 0 {
		_ = unix.PidfdSendSignal(fds[0], unix.SIGKILL, nil, 0)
	}
	initproto.CloseAll(fds)
}

func (c *contained) open(number int) chan packet {
	box := make(chan packet, 8)
	c.mu.Lock()
	c.inbox[number] = box
	c.mu.Unlock()
	return box
}

func (c *contained) closeInbox(number int) {
	c.mu.Lock()
	box := c.inbox[number]
	delete(c.inbox, number)
	c.mu.Unlock()
	for {
		select {
		case m := <-box:
			discard(m.Message, m.fds)
		default:
			return
		}
	}
}

// await returns the next message, or an error when the sandbox or ctx ends first.
func (c *contained) await(ctx context.Context, box chan packet) (packet, error) {
	select {
	case m := <-box:
		return m, nil
	default:
	}
	select {
	case m := <-box:
		return m, nil
	case <-c.lost:
		select {
		case m := <-box: // told before it died
			return m, nil
		default:
			return packet{}, ErrClosed
		}
	case <-ctx.Done():
		return packet{}, context.Cause(ctx)
	}
}
