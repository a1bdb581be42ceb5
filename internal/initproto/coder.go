package initproto

import (
	"encoding/binary"
	"errors"
)

// errMalformed reports a message that neither end of this build can have sent.
var errMalformed = errors.New("malformed control message")

// Body is a type that can be sent: *SetupBody, *NetworkBody, *WatchBody and *SpawnBody, which may
// be large, and *Message itself.
type Body interface{ walk(*coder) }

// coder walks a value's fields in a fixed order and writes or reads them. So each type is described
// once, for both ends, which always come from one build. encoding/json would make up a third of
// mcpbox-init, and add a millisecond to its start.
//
// Integers are zigzag varints. The length of strings and lists precedes them.
type coder struct {
	buf     []byte // bytes written, or bytes left to read
	reading bool
	err     error
}

func encode(v Body) []byte {
	var c coder
	v.walk(&c)
	return c.buf
}

// Decode parses data into an empty value, whose byte slices alias it.
func Decode(data []byte, v Body) error {
	c := coder{buf: data, reading: true}
	v.walk(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.err = errMalformed
	}
	return c.err
}

func (c *coder) fail() { c.buf, c.err = nil, errMalformed }

func number[T ~int | ~int32 | ~int64 | ~uint | ~uint16 | ~uint32 | ~uint64 | ~uintptr](c *coder,
	v *T) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, int64(*v))
		return
	}
	x, n := binary.Varint(c.buf)
	if n <= 0 || int64(T(x)) != x {
		c.fail()
		return
	}
	*v, c.buf = T(x), c.buf[n:]
}

func (c *coder) flag(v *bool) {
	var n uint
	if *v {
		n = 1
	}
	number(c, &n)
	if !c.reading { // do not write to v: another goroutine may encode the same value
		return
	}
	if n > 1 {
		c.fail()
	}
	*v = n == 1
}

// bytes aliases the buffer when it reads.
func (c *coder) bytes(v *[]byte) {
	n := uint(len(*v))
	number(c, &n)
	switch {
	case !c.reading:
		c.buf = append(c.buf, *v...)
	case n > uint(len(c.buf)):
		c.fail()
	case n > 0:
		*v, c.buf = c.buf[:n:n], c.buf[n:]
	}
}

func (c *coder) text(v *string) {
	b := []byte(*v)
	c.bytes(&b)
	if c.reading {
		*v = string(b)
	}
}

func list[T any](c *coder, v *[]T, each func(*T)) {
	n := uint(len(*v))
	number(c, &n)
	for i := uint(0); i < n && c.err == nil; i++ {
		if c.reading {
			*v = append(*v, *new(T)) // grow step by step: n is only the sender's claim
		}
		each(&(*v)[i])
	}
}

func optional[T any](c *coder, v **T, each func(*T)) {
	there := *v != nil
	c.flag(&there)
	if c.reading && there {
		*v = new(T)
	}
	if there && c.err == nil {
		each(*v)
	}
}
