package mcp

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

const (
	maxDepth  = 10000
	maxScalar = 1024 // bytes kept of an id, a method, a name or a URI; what is longer is no rule's business
)

var (
	errSyntax    = errors.New("not JSON")
	errDepth     = errors.New("nested too deeply")
	errDuplicate = errors.New("a member is there twice")
	errReturn    = errors.New("a carriage return is in the middle")
)

// state is what the scanner expects next.
type state uint8

const (
	wantValue state = iota
	wantValueOrEnd
	wantKey
	wantKeyOrEnd
	wantColon
	wantNext // a comma or the end of the object or array
	inString
	inEscape
	inHex
	inNumber
	inLiteral
	finished
)

// scanner reads one JSON text as it arrives, in pieces of any size. It accepts what RFC 8259 accepts and fills an envelope.
type scanner struct {
	env     envelope
	err     error
	state   state
	stack   []byte // open brackets
	base    int    // offset of the piece in hand
	key     []byte // the key being read, with its quotes
	isKey   bool
	tooLong bool // the key: it is none that matters
	hex     int
	number  number
	literal string
	current [3]field // by depth: the member whose value is being read
	keep    *value   // the scalar being read
}

func (s *scanner) reset() {
	*s = scanner{stack: s.stack[:0], key: s.key[:0]}
}

// complete reports whether all that was fed is one JSON text.
func (s *scanner) complete() bool {
	if s.err != nil {
		return false
	}
	if s.state == inNumber && len(s.stack) == 0 {
		return s.number.ends()
	}
	return s.state == finished
}

// feed takes the next piece. After an error it takes nothing more.
func (s *scanner) feed(b []byte) {
	for i := 0; i < len(b) && s.err == nil; {
		c := b[i]
		switch s.state {
		case inString:
			n := plain(b[i:])
			s.hold(b[i : i+n])
			if i += n; i == len(b) {
				break
			}
			switch c = b[i]; {
			case c == '"':
				s.hold(b[i : i+1])
				s.endString(s.base + i + 1)
			case c == '\\':
				s.hold(b[i : i+1])
				s.state = inEscape
			default:
				s.err = errSyntax
			}
			i++
			continue
		case inEscape:
			s.hold(b[i : i+1])
			switch c {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				s.state = inString
			case 'u':
				s.state, s.hex = inHex, 4
			default:
				s.err = errSyntax
			}
			i++
			continue
		case inHex:
			if !isHex(c) {
				s.err = errSyntax
				break
			}
			s.hold(b[i : i+1])
			if s.hex--; s.hex == 0 {
				s.state = inString
			}
			i++
			continue
		case inNumber:
			if s.number.next(c) {
				s.hold(b[i : i+1])
				i++
				continue
			}
			if !s.number.ends() {
				s.err = errSyntax
				break
			}
			s.endValue(s.base + i)
			continue
		case inLiteral:
			if c != s.literal[0] {
				s.err = errSyntax
				break
			}
			s.hold(b[i : i+1])
			i++
			if s.literal = s.literal[1:]; s.literal == "" {
				s.endValue(s.base + i)
			}
			continue
		}
		if i == len(b) {
			break
		}
		switch {
		case c == '\r' && s.state != finished: // JSON allows it, but to many readers of lines it ends one: what follows would be a message
			s.err = errReturn
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			s.structure(c, s.base+i)
		}
		i++
	}
	s.base += len(b)
}

// structure handles a character outside of strings, numbers and literals.
func (s *scanner) structure(c byte, at int) {
	switch s.state {
	case wantValueOrEnd:
		if c == ']' {
			s.pop(c, at)
			return
		}
		s.beginValue(c, at)
	case wantValue:
		s.beginValue(c, at)
	case wantKeyOrEnd:
		if c == '}' {
			s.pop(c, at)
			return
		}
		fallthrough
	case wantKey:
		if c != '"' {
			s.err = errSyntax
			return
		}
		s.state, s.isKey, s.key, s.tooLong = inString, true, append(s.key[:0], '"'), false
	case wantColon:
		if c != ':' {
			s.err = errSyntax
			return
		}
		s.state = wantValue
	case wantNext:
		switch {
		case c == ',' && s.stack[len(s.stack)-1] == '{':
			s.state = wantKey
		case c == ',':
			s.state = wantValue
		default:
			s.pop(c, at)
		}
	default:
		s.err = errSyntax
	}
}

func (s *scanner) beginValue(c byte, at int) {
	if len(s.stack) == 0 {
		s.env.start, s.env.kind = at, c
	} else if d := len(s.stack); d <= 2 && s.current[d] != none {
		v := &s.env.v[s.current[d]]
		if v.kind != 0 {
			s.err = errDuplicate
			return
		}
		v.start, v.kind = at, c
		if c != '{' && c != '[' {
			s.keep = v
			v.raw = append(v.raw, c)
		}
	}
	switch {
	case c == '{' || c == '[':
		if len(s.stack) == maxDepth {
			s.err = errDepth
			return
		}
		s.stack = append(s.stack, c)
		if d := len(s.stack); d <= 2 {
			s.current[d] = none
		}
		s.state = wantValueOrEnd
		if c == '{' {
			s.state = wantKeyOrEnd
		}
	case c == '"':
		s.state, s.isKey = inString, false
	case c == '-' || c >= '0' && c <= '9':
		s.state, s.number = inNumber, begin(c)
	case c == 't':
		s.state, s.literal = inLiteral, "rue"
	case c == 'f':
		s.state, s.literal = inLiteral, "alse"
	case c == 'n':
		s.state, s.literal = inLiteral, "ull"
	default:
		s.err = errSyntax
	}
}

func (s *scanner) pop(c byte, at int) {
	if d := len(s.stack); d == 0 || s.stack[d-1]+2 != c { // in ASCII a closing bracket is its opening one plus two
		s.err = errSyntax
		return
	}
	s.stack = s.stack[:len(s.stack)-1]
	s.endValue(at + 1)
}

func (s *scanner) endString(end int) {
	if s.isKey {
		s.state = wantColon
		s.endKey()
		return
	}
	s.endValue(end)
}

func (s *scanner) endValue(end int) {
	s.keep = nil
	d := len(s.stack)
	if d == 0 {
		s.env.end, s.state = end, finished
		return
	}
	if d <= 2 && s.current[d] != none {
		s.env.v[s.current[d]].end = end
		s.current[d] = none
	}
	s.state = wantNext
}

// endKey looks up the member, at the top of the message and one level into its params, result or error.
func (s *scanner) endKey() {
	d := len(s.stack)
	if d > 2 || s.stack[0] != '{' || s.tooLong {
		return
	}
	key := unquote(s.key)
	if d == 1 {
		s.current[1] = topFields[key]
	} else {
		s.current[2] = subField(s.current[1], key)
	}
	if s.current[d] == none {
		s.env.disguises |= disguised(d, s.current[1], key)
	}
}

// hold keeps the bytes of a key or of a scalar that is of interest.
func (s *scanner) hold(b []byte) {
	if s.isKey && (s.state == inString || s.state == inEscape || s.state == inHex) {
		if len(s.stack) > 2 {
			return
		}
		if s.tooLong = s.tooLong || len(s.key)+len(b) > maxScalar; !s.tooLong {
			s.key = append(s.key, b...)
		}
		return
	}
	if s.keep == nil {
		return
	}
	if len(s.keep.raw)+len(b) > maxScalar {
		s.keep.long = true
		return
	}
	s.keep.raw = append(s.keep.raw, b...)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// plain returns how many bytes at the start of b are ordinary in a string: no quote, no backslash, no control character.
func plain(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// Exact up to and including the lowest byte that matches, which is the one asked for.
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}
