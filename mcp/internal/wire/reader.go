package wire

import (
	"bytes"
	"errors"
	"io"
)

const (
	firstBuffer = 64 << 10
	keepBuffer  = 4 << 20 // a larger buffer is freed after its message

	// StreamFrom is the size in bytes from which messages pass in pieces, if no rule needs them
	// whole.
	StreamFrom = 1 << 20
)

// ErrBrokenMessage means that a message turned out to be invalid after its first part had been
// passed on.
var ErrBrokenMessage = errors.New("a message turned out not to be JSON after its beginning had " +
	"been passed on")

// Message is one line. Data is valid until the next call of Next or rest.
type Message struct {
	Data    []byte // with its newline, if there is one; only the beginning of a long message
	Env     *Envelope
	Err     error // not JSON, or incomplete
	Partial bool  // the rest follows: see rest
	TooLong bool  // longer than the limit: Data is the beginning, the rest is discarded
}

// MessageReader cuts a stream into messages and scans them as they arrive.
type MessageReader struct {
	r     io.Reader
	limit int // bytes of a message that is kept whole
	// whether a rule needs the whole message; asked when it exceeds StreamFrom
	whole func(env *Envelope) bool

	buf        []byte
	start, end int // the bytes that are read and not yet delivered
	scan       Scanner
	done       bool // the stream has ended
}

// NewMessageReader returns a reader of r. It holds at most limit bytes of a message. It calls whole
// once for each message above StreamFrom. If whole returns false, the message is delivered in
// pieces.
func NewMessageReader(r io.Reader, limit int, whole func(*Envelope) bool) *MessageReader {
	return &MessageReader{r: r, limit: limit, whole: whole, buf: make([]byte, firstBuffer)}
}

// Next returns the next message and skips blank lines. At the end the error is io.EOF.
func (l *MessageReader) Next() (Message, error) {
	for {
		m, err := l.line()
		if err != nil || m.Err == nil || len(bytes.TrimSpace(m.Data)) > 0 {
			return m, err
		}
	}
}

func (l *MessageReader) line() (Message, error) {
	l.scan.reset()
	l.shrink()
	seen, asked, over := l.start, false, false
	for {
		if i := bytes.IndexByte(l.buf[seen:l.end], '\n'); i >= 0 {
			l.scan.Feed(l.buf[seen : seen+i])
			return l.cut(seen+i+1, over), nil
		}
		l.scan.Feed(l.buf[seen:l.end])
		seen = l.end
		size := l.end - l.start
		switch {
		case l.scan.Err != nil && size > firstBuffer/2:
			over = true // not JSON: the beginning is enough for a report
		case size > StreamFrom && !asked:
			asked = true
			if !l.whole(&l.scan.Env) {
				return l.begin(), nil
			}
		case size > l.limit:
			over = true
		}
		if over {
			l.end = min(l.end, l.start+firstBuffer/2)
			seen = l.end
		}
		if err := l.fill(); err != nil {
			if l.end == l.start {
				return Message{}, err
			}
			return l.cut(l.end, over), nil
		}
	}
}

// cut returns the buffered bytes up to end as a message.
func (l *MessageReader) cut(end int, over bool) Message {
	m := Message{Data: l.buf[l.start:end], Env: &l.scan.Env, TooLong: over}
	l.start = end
	switch {
	case l.scan.Err != nil:
		m.Err = l.scan.Err
	case !l.scan.Complete():
		m.Err = ErrSyntax
	}
	return m
}

func (l *MessageReader) begin() Message {
	m := Message{Data: l.buf[l.start:l.end], Env: &l.scan.Env, Partial: true}
	l.start = l.end
	return m
}

// rest returns the next piece of a partial message, and whether it is the last one.
func (l *MessageReader) rest() (piece []byte, last bool, err error) {
	if l.start == l.end {
		l.start, l.end = 0, 0
		if err := l.fill(); err != nil {
			return nil, true, ErrBrokenMessage
		}
	}
	piece = l.buf[l.start:l.end]
	if i := bytes.IndexByte(piece, '\n'); i >= 0 {
		piece, last = piece[:i+1], true
	}
	l.start += len(piece)
	l.scan.Feed(piece)
	if l.scan.Err != nil || last && !l.scan.Complete() {
		return nil, true, ErrBrokenMessage
	}
	return piece, last, nil
}

// fill makes room in the buffer and reads once.
func (l *MessageReader) fill() error {
	if l.done {
		return io.EOF
	}
	if l.end == len(l.buf) {
		if l.start > 0 {
			// line moves a message to the front of the buffer before it is full
			panic("wire: MessageReader.fill: no room")
		}
		bigger := make([]byte, l.nextSize())
		copy(bigger, l.buf[:l.end])
		l.buf = bigger
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	if err != nil {
		l.done = true
		if n == 0 {
			return io.EOF
		}
	}
	return nil
}

// nextSize returns the size of the next larger buffer. A very long message gets the largest buffer
// at once: the kernel provides memory only when it is written to, and each step in between would
// leave a buffer to collect.
func (l *MessageReader) nextSize() int {
	whole := max(l.limit, StreamFrom) + firstBuffer
	if len(l.buf) >= keepBuffer {
		return max(whole, len(l.buf)+firstBuffer)
	}
	return max(min(2*len(l.buf), whole), len(l.buf)+firstBuffer)
}

// shrink moves the remaining bytes to the front. After a very long message it takes a small buffer.
func (l *MessageReader) shrink() {
	rest := l.buf[l.start:l.end]
	if len(l.buf) > keepBuffer && len(rest) <= firstBuffer {
		l.buf = make([]byte, firstBuffer)
	}
	l.end = copy(l.buf, rest)
	l.start = 0
}
