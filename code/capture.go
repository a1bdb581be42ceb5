package code

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// capture keeps the beginning and the end of what is written to it, within a bound.
type capture struct {
	mu    sync.Mutex
	limit int // of head and tail each
	head  []byte
	tail  []byte // a ring, once it is full
	next  int
	total int64
}

func newCapture(limit int) *capture { return &capture{limit: max(limit/2, 64)} }

func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(p)
	c.total += int64(n)
	if room := c.limit - len(c.head); room > 0 {
		k := min(room, len(p))
		c.head, p = append(c.head, p[:k]...), p[k:]
	}
	if skip := len(p) - c.limit; skip > 0 {
		p = p[skip:]
	}
	for len(p) > 0 {
		if len(c.tail) < c.limit {
			k := min(c.limit-len(c.tail), len(p))
			c.tail, p = append(c.tail, p[:k]...), p[k:]
			continue
		}
		k := copy(c.tail[c.next:], p)
		c.next, p = (c.next+k)%c.limit, p[k:]
	}
	return n, nil
}

// text is what was kept as valid UTF-8: what is not becomes U+FFFD, and a cut is said where it is.
func (c *capture) text() (text string, total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := append(append([]byte{}, c.tail[c.next:]...), c.tail[:c.next]...)
	lost := c.total - int64(len(c.head)) - int64(len(tail))
	if lost <= 0 {
		return strings.ToValidUTF8(string(c.head)+string(tail), "\uFFFD"), c.total
	}
	head := wholeRunes(c.head)
	for len(tail) > 0 && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
	}
	return strings.ToValidUTF8(string(head), "\uFFFD") + fmt.Sprintf(
		"\n… [%d bytes cut] …\n",
		lost,
	) + strings.ToValidUTF8(string(tail), "\uFFFD"), c.total
}

// wholeRunes takes off a rune that a cut went through.
func wholeRunes(b []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(b)); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}
