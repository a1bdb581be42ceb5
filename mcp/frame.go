package mcp

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	firstBuffer = 64 << 10
	keepBuffer  = 4 << 20 // a buffer that grew beyond is given back
	streamFrom  = 1 << 20 // messages beyond are passed on in pieces when no rule needs them whole
)

var errTorn = errors.New("a message turned out not to be JSON after its beginning had been passed on")

// message is one line. data is valid until the next call of next or rest.
type message struct {
	data []byte // with its newline, if there was one; of a long one the beginning
	env  *envelope
	err  error // not JSON, or not all there
	part bool  // the rest is still to come: see rest
	over bool  // longer than the limit: data is the beginning, the rest is gone
}

// lines cuts a stream into messages and scans them as they arrive.
type lines struct {
	r     io.Reader
	limit int                      // of a message that is kept whole
	whole func(env *envelope) bool // whether a rule needs all of a message; asked once it is longer than streamFrom

	buf        []byte
	start, end int // what is read and not yet delivered
	scan       scanner
	done       bool // the stream has ended
}

func newLines(r io.Reader, limit int, whole func(*envelope) bool) *lines {
	return &lines{r: r, limit: limit, whole: whole, buf: make([]byte, firstBuffer)}
}

// next returns the next message that is not blank, io.EOF at the end.
func (l *lines) next() (message, error) {
	for {
		m, err := l.line()
		if err != nil || m.err == nil || len(bytes.TrimSpace(m.data)) > 0 {
			return m, err
		}
	}
}

func (l *lines) line() (message, error) {
	l.scan.reset()
	l.shrink()
	seen, asked, over := l.start, false, false
	for {
		if i := bytes.IndexByte(l.buf[seen:l.end], '\n'); i >= 0 {
			l.scan.feed(l.buf[seen : seen+i])
			return l.cut(seen+i+1, over), nil
		}
		l.scan.feed(l.buf[seen:l.end])
		seen = l.end
		size := l.end - l.start
		switch {
		case l.scan.err != nil && size > firstBuffer/2: // junk: its beginning is enough to report it
			over = true
		case size > streamFrom && !asked:
			asked = true
			if !l.whole(&l.scan.env) {
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
				return message{}, err
			}
			return l.cut(l.end, over), nil
		}
	}
}

// cut delivers what is buffered up to end.
func (l *lines) cut(end int, over bool) message {
	m := message{data: l.buf[l.start:end], env: &l.scan.env, over: over}
	l.start = end
	switch {
	case l.scan.err != nil:
		m.err = l.scan.err
	case !l.scan.complete():
		m.err = errSyntax
	}
	return m
}

func (l *lines) begin() message {
	m := message{data: l.buf[l.start:l.end], env: &l.scan.env, part: true}
	l.start = l.end
	return m
}

// rest returns the next piece of a message that came in part, and whether it was the last.
func (l *lines) rest() (piece []byte, last bool, err error) {
	if l.start == l.end {
		l.start, l.end = 0, 0
		if err := l.fill(); err != nil {
			return nil, true, errTorn
		}
	}
	piece = l.buf[l.start:l.end]
	if i := bytes.IndexByte(piece, '\n'); i >= 0 {
		piece, last = piece[:i+1], true
	}
	l.start += len(piece)
	l.scan.feed(piece)
	if l.scan.err != nil || last && !l.scan.complete() {
		return nil, true, errTorn
	}
	return piece, last, nil
}

// fill reads once, making room first.
func (l *lines) fill() error {
	if l.done {
		return io.EOF
	}
	if l.end == len(l.buf) {
		if l.start > 0 {
			panic("mcp: lines.fill: no room") // line begins every message at the front of the buffer or makes room
		}
		bigger := make([]byte, 2*len(l.buf))
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

// shrink moves what is left to the front, into a small buffer if the last message was a giant.
func (l *lines) shrink() {
	rest := l.buf[l.start:l.end]
	if len(l.buf) > keepBuffer && len(rest) <= firstBuffer {
		l.buf = make([]byte, firstBuffer)
	}
	l.end = copy(l.buf, rest)
	l.start = 0
}

// outlet writes whole messages, from several goroutines.
type outlet struct {
	mu sync.Mutex
	w  io.Writer
}

// send writes pieces that make one message.
func (o *outlet) send(pieces ...[]byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if _, err := o.w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// stream writes a message that comes in part; nobody else writes in between. known is called with its size when the envelope
// is complete, before the last piece is written.
func (o *outlet) stream(m message, l *lines, known func(size int)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.w.Write(m.data); err != nil {
		return err
	}
	size := len(m.data)
	for {
		piece, last, err := l.rest()
		if err != nil {
			return err
		}
		if size += len(piece); last {
			known(size)
		}
		if _, err := o.w.Write(piece); err != nil || last {
			return err
		}
	}
}
