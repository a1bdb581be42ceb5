package runtime

import (
	"context"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// packet is a message from mcpbox-init with its descriptors.
type packet struct {
	initproto.Message
	fds []int
}

// receive hands each message to the process it is about, until PID 1 is gone.
func (s *Sandbox) receive() {
	defer close(s.gone)
	for {
		m, _, fds, err := s.conn.Receive()
		if err != nil {
			return
		}
		s.mu.Lock()
		box := s.inbox[m.Process]
		s.mu.Unlock()
		if box == nil {
			initproto.CloseAll(fds)
			continue
		}
		box <- packet{m, fds} // buffered for all that one process can be told
	}
}

func (s *Sandbox) open(number int) chan packet {
	box := make(chan packet, 8)
	s.mu.Lock()
	s.inbox[number] = box
	s.mu.Unlock()
	return box
}

// await returns the next message, or an error when the sandbox or ctx ends first.
func (s *Sandbox) await(ctx context.Context, box chan packet) (packet, error) {
	select {
	case m := <-box:
		return m, nil
	default:
	}
	select {
	case m := <-box:
		return m, nil
	case <-s.gone:
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
