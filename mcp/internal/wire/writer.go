package wire

import (
	"io"
	"sync"
)

// MessageWriter writes whole messages. Several goroutines may use it.
type MessageWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewMessageWriter returns a writer to w.
func NewMessageWriter(w io.Writer) *MessageWriter { return &MessageWriter{w: w} }

// Send writes the pieces of one message.
func (w *MessageWriter) Send(pieces ...[]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if _, err := w.w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// Stream writes a message that arrives in pieces. Nobody else writes in between. It calls known
// with the message's size when the envelope is complete, before it writes the last piece.
func (w *MessageWriter) Stream(m Message, l *MessageReader, known func(size int)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.w.Write(m.Data); err != nil {
		return err
	}
	size := len(m.Data)
	for {
		piece, last, err := l.rest()
		if err != nil {
			return err
		}
		if size += len(piece); last {
			known(size)
		}
		if _, err := w.w.Write(piece); err != nil || last {
			return err
		}
	}
}
